-- Steps of the VEP map and tenths cannot share a source: the name vep is taken.
{{ config(meta={'show_rows': true}) }}
select
    type_id,
    source_id,
    feature
from {{ ref('int_v2g__groups') }}
where
    source_id = 'vep'
    and type_id <> 'vep'
