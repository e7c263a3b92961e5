-- Annotation scores that a weight or a mask asks for by name and that no annotation has, with
-- the most similar score or weight.
{{ config(meta={'show_rows': true}) }}
{%- set names = rvat_score_names() %}
with asked as (
    {{ asked_for(names, 'score_name') }}
),

pairs as (
    select count(*) as n_pairs
    from {{ ref('int_rvat__pairs') }}
),

known as (
    select unnest([{{ quoted_list(rvat_own_weights()) }}]) as score_name
    {% if names -%}
    union
    select score_name
    from {{ ref('annotation_scores') }}
    {%- endif %}
)

select
    asked.score_name as missing_score,
    {{ most_similar('asked.score_name', 'known.score_name') }} as most_similar
from asked
cross join known
cross join pairs
where
    asked.score_name is not null
    -- a warehouse without expression or genotypes makes no tests
    and pairs.n_pairs > 0
    and asked.score_name not in (select each.score_name from known as each)
group by asked.score_name
