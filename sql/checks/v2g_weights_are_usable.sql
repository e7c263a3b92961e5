-- Weights are finite, not negative and have at most four decimals (sums are made of integers).
{{ config(meta={'show_rows': true}) }}
select
    source_id,
    weight
from {{ ref('v2g_source_weights') }}
where
    isnan(weight)
    or isinf(weight)
    or weight < 0
    or weight <> round(weight, 4)
