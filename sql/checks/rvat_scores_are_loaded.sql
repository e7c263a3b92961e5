-- Annotation scores that a weight or a mask asks for by name and that no annotation has.
{{ config(meta={'show_rows': true}) }}
{%- set names = rvat_score_names() %}
with asked as (
    {% if names -%}
    select unnest([{{ quoted_list(names) }}]) as score_name
    {%- else -%}
    select cast(null as varchar) as score_name
    {%- endif %}
),

pairs as (
    select count(*) as n_pairs
    from {{ ref('int_rvat__pairs') }}
)

select asked.score_name as missing_score
from asked
cross join pairs
where
    asked.score_name is not null
    -- a warehouse without expression or genotypes makes no tests
    and pairs.n_pairs > 0
    {% if names -%}
    and asked.score_name not in (
        select known.score_name
        from {{ ref('annotation_scores') }} as known
    )
    {%- endif %}
