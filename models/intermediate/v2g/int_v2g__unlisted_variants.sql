-- Without a variant index, every variant with evidence, numbered here; with an index, nothing.
with no_index as (
    select count(*) as n_variants
    from {{ source('raw', 'variants') }}
    having count(*) = 0
),

evidence_variants as (
    -- joins with no row end before they read the evidence
    {% for table in ['evidence', 'qtl', 'vep'] -%}
    select
        evidence.variant_id,
        evidence.chrom,
        evidence.pos,
        evidence.ref
    from {{ source('raw', table) }} as evidence
    cross join no_index
    {%- if not loop.last %}
    union
    {% endif %}
    {%- endfor %}
),

final as (
    select
        cast(row_number() over (order by chrom, pos, variant_id) - 1 as integer) as variant_idx,
        variant_id,
        chrom,
        pos,
        ref
    from evidence_variants
)

select * from final
