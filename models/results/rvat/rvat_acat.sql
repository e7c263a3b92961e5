-- The burden tests of a gene under every weight, combined.
with tests as (
    select
        cell_type,
        gene_id,
        gene_name,
        mask,
        max_maf,
        aggregation,
        -- in one order, so that the last bits do not change from run to run
        list(log10p order by log10p) as log10ps,
        count(log10p) as n_tests,
        min(status) as any_status
    from {{ ref('rvat_burden') }}
    group by cell_type, gene_id, gene_name, mask, max_maf, aggregation
),

combined as materialized (
    select
        *,
        acat_log10p(log10ps) as acat
    from tests
)

select
    combined.cell_type,
    combined.gene_id,
    combined.gene_name,
    combined.mask,
    combined.max_maf,
    combined.aggregation,
    combined.acat.p_value,
    combined.acat.log10p,
    combined.n_tests,
    case
        when combined.acat.status = 'no_p_values' then combined.any_status
        else combined.acat.status
    end as status
from combined
