{%- set aggregate = var_choice('annotation_aggregate', ['max', 'mean', 'min']) -%}
with scores as (
    select
        variant_id,
        gene_id,
        score_name,
        score
    from {{ ref('stg_annotations__scores') }}
),

aggregated as (
    select
        variant_id,
        gene_id,
        score_name,
        {% if aggregate == 'mean' -%}
        -- in one order, so that the last bits do not change from run to run
        avg(score order by score)
        {%- else -%}
        {{ aggregate }}(score)
        {%- endif %} as score,
        '{{ aggregate }}' as annotation_aggregate,
        count(*) as n_rows
    from scores
    group by variant_id, gene_id, score_name
)

select * from aggregated
