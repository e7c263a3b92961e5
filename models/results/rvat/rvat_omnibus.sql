-- All tests of a gene in a cell type as one p-value (ACAT-O), with the q-value among the genes.
with tests as (
    select
        cell_type,
        gene_id,
        gene_name,
        'burden' as test,
        concat_ws(' ', 'burden', aggregation, weight, mask, cast(max_maf as varchar)) as name,
        log10p,
        status
    from {{ ref('rvat_burden') }}
    union all
    select
        cell_type,
        gene_id,
        gene_name,
        test,
        concat_ws(' ', test, weight, mask, cast(max_maf as varchar)) as name,
        log10p,
        status
    from {{ ref('rvat_skat') }}
),

gathered as (
    select
        cell_type,
        gene_id,
        gene_name,
        -- in one order, so that the last bits do not change from run to run
        list(log10p order by log10p) as log10ps,
        count(log10p) as n_tests,
        -- equal p-values: the first by name
        arg_min(name, struct_pack(least := -log10p, name := name)) filter (
            where log10p is not null
        ) as best_test,
        min(status) as any_status
    from tests
    group by cell_type, gene_id, gene_name
),

combined as materialized (
    select
        *,
        acat_log10p(log10ps) as acat
    from gathered
),

ranked as (
    select
        combined.cell_type,
        list(combined.gene_id) as gene_ids,
        list(combined.acat.p_value) as p_values
    from combined
    where combined.acat.p_value is not null
    group by combined.cell_type
),

adjusted as materialized (
    select
        cell_type,
        gene_ids,
        storey_q_values(p_values) as q_values
    from ranked
),

q_values as (
    select
        cell_type,
        unnest(gene_ids) as gene_id,
        unnest(q_values) as q_value
    from adjusted
)

select
    combined.cell_type,
    combined.gene_id,
    combined.gene_name,
    combined.acat.p_value,
    combined.acat.log10p,
    q_values.q_value,
    combined.best_test,
    combined.n_tests,
    case
        when combined.acat.status = 'no_p_values' then combined.any_status
        else combined.acat.status
    end as status
from combined
left join q_values
    on combined.cell_type = q_values.cell_type
    and combined.gene_id = q_values.gene_id
