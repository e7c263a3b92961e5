-- The frozen reference that v2g_reference names has cut points for the quantile method in use, made
-- with the same options of raw scores.
{{ config(meta={'show_rows': true}) }}
{%- set reference_id = "'" ~ (var('v2g_reference') or 'none') | replace("'", "''") ~ "'" %}
select
    {{ reference_id }} as reference_id,
    {{ v2g_reference_method() }} as wanted,
    (
        select string_agg(distinct stored.quantile_method, ' and ')
        from {{ source('raw', 'quantile_reference') }} as stored
        where stored.reference_id = {{ reference_id }}
    ) as found,
    count(*) as n_cut_points
from {{ ref('v2g_cut_points') }}
having
    count(*) = 0
    and {{ 'false' if var('v2g_reference') is none else 'true' }}
