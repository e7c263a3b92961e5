{{ config(materialized='view') }}
-- Gene-based tests under the column names of regenie, step 2, spelled as there.
-- noqa: disable=RF06
with burden as (
    select
        cell_type,
        gene_id,
        mask,
        max_maf,
        weight,
        n_donors,
        'ADD' as test,
        beta,
        se,
        log10p,
        status
    from {{ ref('rvat_burden') }}
    where aggregation = 'sum'
),

kernel as (
    select
        cell_type,
        gene_id,
        mask,
        max_maf,
        weight,
        n_donors,
        case test
            when 'skat' then 'ADD-SKAT'
            when 'skat_o' then 'ADD-SKATO'
            when 'acat_v' then 'ADD-ACATV'
        end as test,
        cast(null as double) as beta,
        cast(null as double) as se,
        log10p,
        status
    from {{ ref('rvat_skat') }}
),

tests as (
    select * from burden
    union all
    select * from kernel
),

genes as (
    select
        gene_id,
        chrom,
        start_pos
    from {{ source('raw', 'genes') }}
)

select
    case genes.chrom
        when 'X' then '23'
        when 'Y' then '24'
        when 'MT' then '26'
        else genes.chrom
    end as "CHROM",
    genes.start_pos as "GENPOS",
    concat_ws('.', tests.gene_id, tests.mask, tests.max_maf) as "ID",
    'ref' as "ALLELE0",
    concat_ws('.', tests.mask, tests.max_maf) as "ALLELE1",
    cast(null as double) as "A1FREQ",
    tests.n_donors as "N",
    tests.test as "TEST",
    tests.beta as "BETA",
    tests.se as "SE",
    cast(null as double) as "CHISQ",
    tests.log10p as "LOG10P",
    case when tests.status <> 'ok' then tests.status end as "EXTRA",
    tests.cell_type,
    tests.weight
from tests
inner join genes
    on tests.gene_id = genes.gene_id
