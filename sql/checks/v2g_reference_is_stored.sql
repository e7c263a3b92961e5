-- The frozen reference that v2g_reference names has cut points for the quantile method in use.
select
    '{{ (var("v2g_reference") or "none") | replace("'", "''") }}' as reference_id,
    '{{ v2g_quantile_method() }}' as quantile_method,
    count(*) as n_cut_points
from {{ ref('v2g_cut_points') }}
having
    count(*) = 0
    and {{ 'false' if var('v2g_reference') is none else 'true' }}
