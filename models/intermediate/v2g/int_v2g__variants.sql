-- The variant universe: the loaded variant index as it stands, or every variant with evidence.
with variant_index as (
    select
        cast(variant_idx as integer) as variant_idx,
        variant_id,
        chrom,
        pos,
        ref
    from {{ source('raw', 'variants') }}
),

unlisted as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos,
        ref
    from {{ ref('int_v2g__unlisted_variants') }}
),

variants as (
    select * from variant_index
    union all
    select * from unlisted
),

final as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos,
        {% if v2g_choice('interval_join', ['pos', 'ref_span']) == 'ref_span' -%}
        cast(pos + length(ref) - 1 as integer)
        {%- else -%}
        pos
        {%- endif %} as end_pos
    from variants
)

select * from final
