-- Five sources fit a lane; with more, raise the var v2g_source_lanes to n_lanes_wanted.
{{ config(meta={'show_rows': true}) }}
select
    count(distinct source_id) as n_sources,
    max({{ source_lane('source_idx') }}) + 1 as n_lanes_wanted
from {{ ref('int_v2g__groups') }}
having max({{ source_lane('source_idx') }}) >= {{ var('v2g_source_lanes') }}
