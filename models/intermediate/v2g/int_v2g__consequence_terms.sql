{{ config(materialized='ephemeral') }}
-- What the VEP map says of each term: its score and, above 0, which of the map's scores that is.
with terms as (
    select
        consequence_term,
        score
    from {{ ref('v2g_vep_scores') }}
    where vep_map = '{{ v2g_choice("vep_map", ["configs", "lut2019", "proto180807"]) }}'
),

steps as (
    select
        score,
        cast(row_number() over (order by score) as integer) as step
    from (
        select distinct score
        from terms
        where score > 0
    ) as scores
),

final as (
    select
        terms.consequence_term,
        terms.score,
        steps.step
    from terms
    left join steps
        on terms.score = steps.score
)

select * from final
