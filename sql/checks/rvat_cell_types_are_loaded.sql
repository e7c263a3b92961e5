-- Cell types that are asked for by name and that no expression is loaded of, with the most similar.
{{ config(meta={'show_rows': true}) }}
{%- set chosen = var_list('cell_types') %}
with asked as (
    {{ asked_for([] if chosen == ['all'] else chosen, 'cell_type') }}
),

-- who is tested: the check belongs to this model
tested as (
    select distinct cell_type
    from {{ ref('rvat_donors') }}
),

-- none in a warehouse without expression, which makes no tests
known as (
    select distinct cell_type
    from {{ source('raw', 'pseudobulk_donors') }}
)

select
    asked.cell_type as missing_cell_type,
    {{ most_similar('asked.cell_type', 'known.cell_type') }} as most_similar
from asked
cross join known
where
    asked.cell_type is not null
    and asked.cell_type not in (select tested.cell_type from tested)
group by asked.cell_type
