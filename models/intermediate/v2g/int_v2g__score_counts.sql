-- How often each score occurs in its group: all that the quantiles need to know of the rows.
{%- set population = v2g_choice('interval_population', ['evidence', 'records']) %}
with evidence as (
    select
        group_idx,
        score,
        count(*) as n_rows
    from {{ ref('int_v2g__evidence') }}
    {% if population == 'records' -%}
    where group_idx not in (
        select groups.group_idx
        from {{ ref('int_v2g__groups') }} as groups
        inner join {{ source('raw', 'intervals') }} as intervals
            on groups.source_id = intervals.source_id
            and groups.feature = intervals.feature
    )
    {%- endif %}
    group by group_idx, score
),
{% if population == 'records' %}
interval_records as (
    select
        chrom,
        start_pos,
        end_pos,
        gene_id,
        type_id,
        source_id,
        feature,
        max({{ interval_score('source_id', 'score') }}) as score
    from {{ source('raw', 'intervals') }}
    {% if v2g_choice('interval_zero', ['keep', 'drop']) == 'drop' -%}
    where score <> 0
    {%- endif %}
    group by chrom, start_pos, end_pos, gene_id, type_id, source_id, feature
),

records as (
    select
        groups.group_idx,
        interval_records.score,
        count(*) as n_rows
    from interval_records
    inner join {{ ref('int_v2g__groups') }} as groups
        on interval_records.type_id = groups.type_id
        and interval_records.source_id = groups.source_id
        and interval_records.feature = groups.feature
    where not coalesce(isnan(interval_records.score), true)
    group by groups.group_idx, interval_records.score
),
{% endif %}
distances as (
    select
        groups.group_idx,
        {{ distance_score('distances.distance_bp') }} as score,
        count(*) as n_rows
    from {{ ref('int_v2g__distances') }} as distances
    inner join {{ ref('int_v2g__groups') }} as groups
        on groups.type_id = 'distance'
    group by groups.group_idx, {{ distance_score('distances.distance_bp') }}
),

final as (
    select * from evidence
    union all
    {% if population == 'records' -%}
    select * from records
    union all
    {%- endif %}
    select * from distances
)

select * from final
