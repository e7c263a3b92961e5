-- Consequence terms that a mask asks for and that neither Ensembl nor an annotation has, with the
-- most similar one.
{{ config(meta={'show_rows': true}) }}
{%- set terms = rvat_consequence_terms() %}
with asked as (
    {{ asked_for(terms, 'consequence_term') }}
),

pairs as (
    select count(*) as n_pairs
    from {{ ref('int_rvat__pairs') }}
),

known as (
    {% if terms -%}
    select consequence_term
    from {{ ref('consequence_severity') }}
    union
    -- an annotation may have terms of its own
    select unnest(string_split(split_part(consequence_key, '|', 1), ',')) as consequence_term
    from {{ ref('int_annotations__severities') }}
    {%- else -%}
    select cast(null as varchar) as consequence_term
    {%- endif %}
)

select
    asked.consequence_term as unknown_term,
    {{ most_similar('asked.consequence_term', 'known.consequence_term') }} as most_similar
from asked
cross join known
cross join pairs
where
    asked.consequence_term is not null
    -- a warehouse without expression or genotypes makes no tests
    and pairs.n_pairs > 0
    and asked.consequence_term not in (select each.consequence_term from known as each)
group by asked.consequence_term
