-- How the p-values of each cell type and test behave: many small ones everywhere are a warning.
with tests as (
    select
        cell_type,
        'burden ' || aggregation as test,
        weight,
        mask,
        max_maf,
        p_value
    from {{ ref('rvat_burden') }}
    union all
    select
        cell_type,
        test,
        weight,
        mask,
        max_maf,
        p_value
    from {{ ref('rvat_skat') }}
    union all
    select
        cell_type,
        'omnibus' as test,
        '' as weight,
        '' as mask,
        cast(null as double) as max_maf,
        p_value
    from {{ ref('rvat_omnibus') }}
),

gathered as (
    select
        cell_type,
        test,
        weight,
        mask,
        max_maf,
        count(*) as n_genes,
        count(p_value) as n_tested,
        min(p_value) as min_p_value,
        coalesce(list(p_value) filter (where p_value is not null), []) as p_values
    from tests
    group by cell_type, test, weight, mask, max_maf
)

select
    cell_type,
    test,
    weight,
    mask,
    max_maf,
    n_genes,
    n_tested,
    min_p_value,
    genomic_lambda(p_values) as lambda_gc
from gathered
