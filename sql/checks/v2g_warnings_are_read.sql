{{ config(severity='warn', meta={'show_rows': true}) }}
-- Not an error: whatever the scores could not use is shown after every build.
select
    code,
    source_id,
    feature,
    n,
    message
from {{ ref('v2g_warnings') }}
