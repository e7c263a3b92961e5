-- A weighted mean of values in [0, 1] lies in [0, 1].
select
    pattern_idx,
    overall_score
from {{ ref('int_v2g__score_patterns') }}
where not (overall_score between 0 and 1 + 1e-12)
