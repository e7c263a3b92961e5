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

final as (
    select
        consequences.variant_id,
        consequences.gene_id,
        consequences.consequence_term,
        -- a term that the map does not know scores 0 and is counted in v2g_warnings
        coalesce(term_scores.score, 0) as score,
        consequences.load_id
    from consequences
    left join term_scores
        on consequences.consequence_term = term_scores.consequence_term
)

select * from final
