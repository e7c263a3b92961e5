-- The winning feature is packed into 16 bits.
{{ config(meta={'show_rows': true}) }}
select
    source_id,
    feature,
    group_idx
from {{ ref('int_v2g__groups') }}
where group_idx > 65535
