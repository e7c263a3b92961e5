{{ config(materialized='ephemeral') }}
-- The strongest consequence of each variant-gene pair; ties between terms go to the first by name.
with consequences as (
    select
        variant_id,
        gene_id,
        consequence_term,
        score,
        load_id
    from {{ ref('int_v2g__consequences') }}
),

terms as (
    select
        consequence_term,
        score,
        cast(row_number() over (order by score desc, consequence_term asc) as integer) as term_order
    from (
        select distinct
            consequence_term,
            score
        from consequences
    ) as seen
),

strongest as (
    select
        consequences.variant_id,
        consequences.gene_id,
        min(terms.term_order) as term_order,
        max(consequences.load_id) as load_id
    from consequences
    inner join terms
        on consequences.consequence_term = terms.consequence_term
    group by consequences.variant_id, consequences.gene_id
),

final as (
    select
        strongest.variant_id,
        strongest.gene_id,
        variants.variant_idx,
        genes.gene_idx,
        terms.score,
        terms.consequence_term,
        strongest.load_id
    from strongest
    inner join terms
        on strongest.term_order = terms.term_order
    inner join {{ ref('int_v2g__variants') }} as variants
        on strongest.variant_id = variants.variant_id
    inner join {{ ref('int_v2g__genes') }} as genes
        on strongest.gene_id = genes.gene_id
)

select * from final
