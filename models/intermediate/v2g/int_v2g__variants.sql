-- The variant universe: the loaded variant index, or without one every variant with evidence.
with variant_index as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos,
        ref
    from {{ source('raw', 'variants') }}
),

evidence_variants as (
    select
        variant_id,
        chrom,
        pos,
        ref
    from {{ source('raw', 'evidence') }}
    union
    select
        variant_id,
        chrom,
        pos,
        ref
    from {{ source('raw', 'qtl') }}
    union
    select
        variant_id,
        chrom,
        pos,
        ref
    from {{ source('raw', 'vep') }}
),

variants as (
    select
        cast(variant_idx as integer) as variant_idx,
        variant_id,
        chrom,
        pos,
        ref
    from variant_index
    union all
    select
        cast(row_number() over (order by chrom, pos, variant_id) - 1 as integer) as variant_idx,
        variant_id,
        chrom,
        pos,
        ref
    from evidence_variants
    where not exists (select 1 from variant_index)
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
