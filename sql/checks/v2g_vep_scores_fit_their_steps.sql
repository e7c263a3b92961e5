-- A map has at most ten scores above 0, as many as a source has steps (see source_keys).
{{ config(meta={'show_rows': true}) }}
select
    vep_map,
    count(distinct case when score > 0 then score end) as n_scores,
    min(score) as lowest,
    max(score) as highest
from {{ ref('v2g_vep_scores') }}
group by vep_map
having
    count(distinct case when score > 0 then score end) > 10
    or min(score) < 0
    or max(score) > 1
