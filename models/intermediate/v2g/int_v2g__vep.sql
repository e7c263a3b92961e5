-- The strongest consequence of each variant-gene pair; ties between terms go to the first by name.
with slice_consequences as (
    select
        variant_id,
        gene_id,
        consequence_term,
        load_id
    from {{ ref('stg_evidence__consequences') }}
),

vep_consequences as (
    select
        variant_id,
        gene_id,
        consequence_term,
        load_id
    from {{ ref('stg_vep__consequences') }}
),

term_scores as (
    select
        consequence_term,
        score
    from {{ ref('v2g_vep_scores') }}
    where vep_map = '{{ v2g_choice("vep_map", ["configs", "lut2019", "proto180807"]) }}'
),

consequences as (
    select * from slice_consequences
    union all
    select * from vep_consequences
),

terms as (
    select
        seen.consequence_term,
        -- a term that the map does not know scores 0 and is counted in v2g_warnings
        coalesce(term_scores.score, 0) as score,
        cast(row_number() over (
            order by coalesce(term_scores.score, 0) desc, seen.consequence_term
        ) as integer) as term_order
    from (select distinct consequence_term from consequences) as seen
    left join term_scores
        on seen.consequence_term = term_scores.consequence_term
),

strongest as (
    select
        consequences.variant_id,
        consequences.gene_id,
        min(terms.term_order) as term_order,
        max(consequences.load_id) as load_id,
        count(*) as n_rows
    from consequences
    inner join terms
        on consequences.consequence_term = terms.consequence_term
    group by consequences.variant_id, consequences.gene_id
),

final as (
    select
        variants.variant_idx,
        genes.gene_idx,
        terms.score,
        terms.consequence_term,
        strongest.n_rows,
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
