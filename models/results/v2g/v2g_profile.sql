-- The whole profile that made the scores, one option a row.
with options as (
    {% for name in var('v2g_defaults') -%}
    select
        '{{ name }}' as option,
        '{{ v2g_option(name) }}' as value,
        {{ 'true' if v2g_option(name) == var('v2g_defaults')[name] else 'false' }} as is_default
    {%- if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
)

select
    '{{ var("v2g_profile") }}' as profile,
    {{ v2g_profile_id() }} as profile_id,
    option,
    value,
    is_default
from options
