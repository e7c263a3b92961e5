{{ config(materialized='view') }}
-- Expression of a gene in a cell type by donor, side by side in two lists; read a region at a time.
with designs as (
    select
        cell_type,
        cell_type_idx,
        design_idx
    from {{ ref('int_rvat__designs') }}
),

genes as (
    select
        gene_idx,
        gene_id,
        region_idx
    from {{ ref('int_rvat__genes') }}
),

tested as (
    select
        expressed.cell_type_idx,
        designs.cell_type,
        designs.design_idx,
        genes.region_idx,
        genes.gene_idx,
        expressed.gene_id
    from {{ ref('int_rvat__expressed') }} as expressed
    inner join designs
        on expressed.cell_type_idx = designs.cell_type_idx
    inner join genes
        on expressed.gene_id = genes.gene_id
)

select
    tested.region_idx,
    tested.design_idx,
    tested.cell_type_idx,
    tested.gene_idx,
    -- what noise is seeded with, so that it does not depend on what else is tested
    any_value(tested.gene_id || ' ' || tested.cell_type) as seed_name,
    list(donors.donor_idx) as donors,
    list(coalesce(pseudobulk.mean, pseudobulk.sum)) as expression,
    -- whether a donor without a row has an expression of 0, or none that is known
    bool_or(zeros.gene_id is not null) as has_zeros
from tested
inner join {{ source('raw', 'pseudobulk') }} as pseudobulk
    on tested.cell_type = pseudobulk.cell_type
    and tested.gene_id = pseudobulk.gene_id
inner join {{ ref('rvat_donors') }} as donors
    on pseudobulk.donor_id = donors.donor_id
    and pseudobulk.cell_type = donors.cell_type
left join {{ source('raw', 'pseudobulk_genes') }} as zeros
    on pseudobulk.load_id = zeros.load_id
    and pseudobulk.gene_id = zeros.gene_id
where donors.status = 'ok'
group by
    tested.region_idx,
    tested.design_idx,
    tested.cell_type_idx,
    tested.gene_idx
