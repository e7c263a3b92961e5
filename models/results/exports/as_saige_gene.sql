{{ config(materialized='view') }}
-- Gene-based tests under the column names of SAIGE-GENE+, spelled as there;
-- all under the weight of the kernel tests.
-- noqa: disable=RF06
with kernel as (
    select
        cell_type,
        gene_id,
        mask,
        max_maf,
        weight,
        max(p_value) filter (where test = 'skat') as skat_p_value,
        max(p_value) filter (where test = 'skat_o') as skat_o_p_value
    from {{ ref('rvat_skat') }}
    group by
        cell_type,
        gene_id,
        mask,
        max_maf,
        weight
),

burden as (
    select
        cell_type,
        gene_id,
        mask,
        max_maf,
        weight,
        p_value,
        beta,
        se,
        n_variants
    from {{ ref('rvat_burden') }}
    where aggregation = 'sum'
)

select
    kernel.gene_id as "Region",
    kernel.mask as "Group",
    kernel.max_maf as "max_MAF",
    kernel.skat_o_p_value as "Pvalue",
    burden.p_value as "Pvalue_Burden",
    kernel.skat_p_value as "Pvalue_SKAT",
    burden.beta as "BETA_Burden",
    burden.se as "SE_Burden",
    burden.n_variants as "Number_rare",
    kernel.cell_type,
    kernel.weight
from kernel
left join burden
    on kernel.cell_type = burden.cell_type
    and kernel.gene_id = burden.gene_id
    and kernel.mask = burden.mask
    and kernel.max_maf = burden.max_maf
    and kernel.weight = burden.weight
