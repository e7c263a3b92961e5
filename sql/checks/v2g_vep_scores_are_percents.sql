-- A score shares an integer with others as a whole percent (see source_list_keys).
select
    vep_map,
    consequence_term,
    score
from {{ ref('v2g_vep_scores') }}
where
    score <> round(score, 2)
    or not score between 0 and 1
