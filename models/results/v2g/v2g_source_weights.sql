-- Weight of every source that the weight set names or the data hold; NULL where none is known.
{%- set weight_set = v2g_choice('weights', ['page', 'production2022', 'equal', 'loaded']) -%}
{%- set missing_weight = v2g_choice('missing_weight', ['error', 'drop']) %}
with listed as (
    {% if weight_set == 'loaded' -%}
    select
        source_id,
        cast(null as varchar) as type_id,
        weight
    from {{ source('raw', 'source_weights') }}
    {%- else -%}
    select
        source_id,
        type_id,
        weight
    from {{ ref('v2g_weight_sets') }}
    where weight_set = '{{ weight_set }}'
    {%- endif %}
),

type_weights as (
    select
        type_id,
        weight
    from {{ ref('v2g_type_weights') }}
    where weight_set = '{{ weight_set }}'
),

found as (
    select
        groups.source_idx,
        groups.source_id,
        min(groups.type_id) as type_id
    from {{ ref('int_v2g__groups') }} as groups
    group by groups.source_idx, groups.source_id
),

{% if is_decile_method() -%}
scored as (
    select
        {% for key in source_keys() -%}
        bit_or({{ key }}) as {{ key }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_v2g__pairs') }}
),

available as (
    select found.source_idx
    from found
    cross join scored
    where {{ source_bits('scored', 'found.source_idx') }} > 0
),
{% else -%}
available as (
    select distinct {{ packed_source_idx('item') }} as source_idx
    from (select unnest(packed) as item from {{ ref('int_v2g__pairs') }}) as items
),
{% endif %}
final as (
    select
        found.source_idx,
        coalesce(found.source_id, listed.source_id) as source_id,
        coalesce(listed.type_id, found.type_id) as type_id,
        {% if weight_set == 'equal' -%}
        cast(1 as double)
        {%- else -%}
        coalesce(listed.weight, type_weights.weight)
        {%- endif %} as weight,
        listed.source_id is not null as is_listed,
        available.source_idx is not null as is_available
    from found
    full join listed
        on found.source_id = listed.source_id
    left join type_weights
        on found.type_id = type_weights.type_id
    left join available
        on found.source_idx = available.source_idx
    where
        -- a source that neither the list names nor the data use has no business here
        listed.source_id is not null or available.source_idx is not null
)

select * from final
{% if missing_weight == 'drop' -%}
where weight is not null
{%- endif %}
