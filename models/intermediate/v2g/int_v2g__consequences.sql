{{ config(materialized='ephemeral') }}
-- Every consequence term of a variant-gene pair with its score, once per row that says it.
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

terms as (
    select
        consequence_term,
        score,
        step
    from {{ ref('int_v2g__consequence_terms') }}
),

consequences as (
    select * from slice_consequences
    union all
    select * from vep_consequences
),

final as (
    select
        consequences.variant_id,
        consequences.gene_id,
        consequences.consequence_term,
        -- a term that the map does not know scores 0 and is counted in v2g_warnings
        coalesce(terms.score, 0) as score,
        terms.step,
        consequences.load_id
    from consequences
    left join terms
        on consequences.consequence_term = terms.consequence_term
)

select * from final
