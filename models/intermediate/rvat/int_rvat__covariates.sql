-- The covariates that the tests adjust for; the intercept is added where they are fitted.
{%- set chosen = var_list('covariates', least=0) %}
{%- set n_components = var_whole('genotype_pcs', 0, 1000) %}
with sources as (
    select
        donor_id,
        covariate,
        value,
        load_id
    from {{ source('raw', 'covariates') }}
    {% if n_components > 0 -%}
    -- components of others are no continuation of ours
    where not starts_with(covariate, 'genotype_pc')
    {%- endif %}
    union all
    -- what the genotypes' file says stands in for what no other does
    select
        donor_id,
        'sex' as covariate,
        cast(sex as double) as value,
        -1 as load_id
    from {{ source('raw', 'donors') }}
    where sex is not null
    {% if n_components > 0 -%}
    union all
    select
        donor_id,
        'genotype_pc' || component as covariate,
        value,
        -1 as load_id
    from {{ ref('genotype_components') }}
    {%- endif %}
),

known as (
    select
        donor_id,
        covariate,
        -- of several loads the last
        arg_max(value, load_id) as value
    from sources
    group by
        donor_id,
        covariate
),

chosen as (
    select *
    from known
    where
        {% if chosen == ['all'] -%}
        true
        {%- elif chosen in ([], ['none']) -%}
        false
        {%- else -%}
        covariate in ({{ quoted_list(chosen) }})
        {%- endif %}
),

numbered as (
    select
        covariate,
        cast(row_number() over (order by covariate) - 1 as integer) as covariate_idx
    from (select distinct covariate from chosen) as names
)

select
    donors.donor_idx,
    numbered.covariate_idx,
    chosen.covariate,
    chosen.value
from chosen
inner join numbered
    on chosen.covariate = numbered.covariate
inner join {{ source('raw', 'donors') }} as donors
    on chosen.donor_id = donors.donor_id
where donors.is_genotyped
