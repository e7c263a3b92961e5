-- Covariates that are asked for by name and that no donor with genotypes has, with the most similar
-- one that is loaded.
{{ config(meta={'show_rows': true}) }}
{%- set chosen = var_list('covariates', least=0) %}
with asked as (
    {{ asked_for([] if chosen in (['none'], ['all']) else chosen, 'covariate') }}
),

taken as (
    select distinct covariate
    from {{ ref('int_rvat__covariates') }}
),

loaded as (
    select distinct covariate
    from {{ source('raw', 'covariates') }}
)

select
    asked.covariate as missing_covariate,
    {{ most_similar('asked.covariate', 'loaded.covariate') }} as most_similar
from asked
left join loaded
    on true
where
    asked.covariate is not null
    and asked.covariate not in (select taken.covariate from taken)
group by asked.covariate
