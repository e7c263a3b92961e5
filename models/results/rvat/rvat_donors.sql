-- Who is tested in which cell type, and why the others are not.
{%- set chosen = var_list('cell_types') %}
with expressed as (
    select distinct
        cell_type,
        donor_id
    from {{ source('raw', 'pseudobulk_donors') }}
    {% if chosen != ['all'] -%}
    where cell_type in ({{ quoted_list(chosen) }})
    {%- endif %}
),

n_covariates as (
    select count(distinct covariate_idx) as n
    from {{ ref('int_rvat__covariates') }}
),

covered as (
    select
        donor_idx,
        count(value) as n_known
    from {{ ref('int_rvat__covariates') }}
    group by donor_idx
),

judged as (
    select
        expressed.cell_type,
        expressed.donor_id,
        donors.donor_idx,
        case
            when donors.donor_idx is null or not donors.is_genotyped then 'no_genotypes'
            when coalesce(covered.n_known, 0) < n_covariates.n then 'no_covariates'
            else 'ok'
        end as status
    from expressed
    cross join n_covariates
    left join {{ source('raw', 'donors') }} as donors
        on expressed.donor_id = donors.donor_id
    left join covered
        on donors.donor_idx = covered.donor_idx
)

select * from judged
