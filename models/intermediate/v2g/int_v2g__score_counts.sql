-- How many rows of a group have a score: all that the quantiles need to know of the rows. Where
-- quantiles are tenths, neighbouring scores of one quantile are counted together, at the highest.
{%- set population = v2g_choice('interval_population', ['evidence', 'records']) %}
with
{%- if population == 'records' %}
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
    where
        gene_id in (
            select genes.gene_id
            from {{ ref('int_v2g__genes') }} as genes
            where genes.is_ranked
        )
        {% if v2g_choice('interval_zero', ['keep', 'drop']) == 'drop' -%}
        and score <> 0
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
        on interval_records.source_id = groups.source_id
        and interval_records.feature = groups.feature
    where not coalesce(isnan(interval_records.score), true)
    group by groups.group_idx, interval_records.score
),
{% endif %}
ranked_rows as not materialized (
    select
        group_idx,
        score
    from {{ ref('int_v2g__evidence') }}
    {% if population == 'records' -%}
    where group_idx not in (select records.group_idx from records)
    {%- endif %}
),
{% if is_decile_method() %}
-- Sorting a million scores to find ten cut points wastes most of the work: equal slices of a
-- group's range are counted first, and only the slices that a cut point falls into are opened.
ranges as (
    select
        group_idx,
        min(score) as lowest,
        {{ var('v2g_score_slices') }} / nullif(max(score) - min(score), 0) as slices_per_unit
    from ranked_rows
    group by group_idx
),

sliced_rows as not materialized (
    select
        ranked_rows.group_idx,
        ranked_rows.score,
        -- each step keeps the order of scores, rounding too: slices are in the order of scores
        coalesce(
            floor((ranked_rows.score - ranges.lowest) * ranges.slices_per_unit), 0
        ) as slice
    from ranked_rows
    inner join ranges
        on ranked_rows.group_idx = ranges.group_idx
),

slices as (
    select
        group_idx,
        slice,
        max(score) as score,
        count(*) as n_rows
    from sliced_rows
    group by group_idx, slice
),

placed as (
    select
        group_idx,
        slice,
        score,
        n_rows,
        cast(sum(n_rows) over (
            partition by group_idx
            order by slice
            rows between unbounded preceding and current row
        ) as bigint) - n_rows as n_below,
        cast(sum(n_rows) over (partition by group_idx) as bigint) as n_total
    from slices
),

judged as (
    select
        group_idx,
        slice,
        score,
        n_rows,
        -- the highest of several scores may have another quantile than the lowest
        {{ quantile_of_counts('n_below', '1', 'n_total') }}
        <> {{ quantile_of_counts('(n_below + n_rows - 1)', '1', 'n_total') }} as is_split
    from placed
),

whole as (
    select
        group_idx,
        score,
        n_rows
    from judged
    where not is_split
),

split as (
    select
        sliced_rows.group_idx,
        sliced_rows.score,
        count(*) as n_rows
    from sliced_rows
    -- not a join: DuckDB would count all scores first and drop most of them after
    where exists (
        select 1
        from judged
        where
            judged.is_split
            and judged.group_idx = sliced_rows.group_idx
            and judged.slice = sliced_rows.slice
    )
    group by sliced_rows.group_idx, sliced_rows.score
),

evidence as (
    select * from whole
    union all
    select * from split
),
{% else %}
evidence as (
    select
        group_idx,
        score,
        count(*) as n_rows
    from ranked_rows
    group by group_idx, score
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
