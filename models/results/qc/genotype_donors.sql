{% set chosen_donors = var('qc_donors') -%}
with genotyped as (
    select
        donor_idx,
        donor_id,
        sex
    from {{ source('raw', 'donors') }}
    where is_genotyped
),

chosen as (
    {% if chosen_donors is not string -%}
    select donor_id
    from genotyped
    where donor_id in ({{ quoted_list(var_list('qc_donors', least=0)) }})
    {%- elif chosen_donors == 'all' -%}
    select donor_id from genotyped
    {%- elif chosen_donors == 'expressed' -%}
    select distinct donor_id from {{ source('raw', 'pseudobulk_donors') }}
    {%- elif chosen_donors == 'with_covariates' -%}
    select distinct donor_id from {{ source('raw', 'covariates') }}
    {%- else -%}
    {{ exceptions.raise_compiler_error(
        "qc_donors is '" ~ chosen_donors ~ "', wanted: all, expressed, with_covariates, or a list "
        ~ "of donor ids"
    ) }}
    {%- endif %}
)

select
    genotyped.donor_idx,
    genotyped.donor_id,
    genotyped.sex
from genotyped
inner join chosen
    on genotyped.donor_id = chosen.donor_id
