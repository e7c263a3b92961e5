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

scored_groups as (
    select distinct group_idx
    from {{ ref('int_v2g__evidence') }}
    {% if v2g_choice('biotype_stage', ['before', 'after']) == 'after' -%}
    where gene_idx in (
        select genes.gene_idx
        from {{ ref('int_v2g__genes') }} as genes
        where genes.is_scored
    )
    {%- endif %}
    union
    select groups.group_idx
    from {{ ref('int_v2g__groups') }} as groups
    where
        groups.type_id = 'distance'
        and exists (select 1 from {{ ref('int_v2g__distances') }})
),

available as (
    select groups.source_idx
    from scored_groups
    inner join {{ ref('int_v2g__groups') }} as groups
        on scored_groups.group_idx = groups.group_idx
    -- a group that a frozen reference does not know has no quantile, so no score
    inner join {{ ref('v2g_cut_points') }} as cut_points
        on groups.source_id = cut_points.source_id
        and groups.feature = cut_points.feature
    {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
    union
    select groups.source_idx
    from {{ ref('int_v2g__groups') }} as groups
    where
        groups.type_id = 'vep'
        and exists (
            select 1
            from (
                -- distinct first: few terms score above 0, so few ids have to be looked up
                select distinct
                    variant_id,
                    gene_id
                from {{ ref('int_v2g__consequences') }}
                where score > 0
            ) as consequences
            inner join {{ ref('int_v2g__variants') }} as variants
                on consequences.variant_id = variants.variant_id
            inner join {{ ref('int_v2g__genes') }} as genes
                on consequences.gene_id = genes.gene_id
            where genes.is_scored
        )
    {%- else -%}
    group by groups.source_idx
    {%- endif %}
),

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
