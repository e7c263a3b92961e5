-- Covariates that are asked for by name and that no donor with genotypes has.
{{ config(meta={'show_rows': true}) }}
{%- set chosen = var('covariates') %}
with asked as (
    {% if chosen in ['all', 'none'] or not chosen -%}
    select cast(null as varchar) as covariate
    {%- else -%}
    select unnest([{{ quoted_list(as_list(chosen)) }}]) as covariate
    {%- endif %}
)

select asked.covariate as missing_covariate
from asked
where
    asked.covariate is not null
    and asked.covariate not in (
        select known.covariate
        from {{ ref('int_rvat__covariates') }} as known
    )
