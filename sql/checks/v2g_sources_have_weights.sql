-- Sources of the data without a weight. Load one (varhouse load weights), name a type that has one,
-- or leave such sources out with v2g_missing_weight: drop.
{{ config(meta={'show_rows': true}) }}
select
    source_id,
    type_id
from {{ ref('v2g_source_weights') }}
where weight is null
