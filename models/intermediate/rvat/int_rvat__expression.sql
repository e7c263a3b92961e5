{{ config(materialized='view') }}
-- Expression of the genes of a region by cell type and donor. Cell types in which a gene is not
-- tested and donors who are not are left to the reader: more conditions cost more than more rows.
with cell_groups as (
    select
        pseudobulk_donors.group_idx,
        designs.design_idx,
        designs.cell_type_idx,
        donors.donor_idx
    from {{ source('raw', 'pseudobulk_donors') }} as pseudobulk_donors
    inner join {{ ref('int_rvat__designs') }} as designs
        on pseudobulk_donors.cell_type = designs.cell_type
    inner join {{ source('raw', 'donors') }} as donors
        on pseudobulk_donors.donor_id = donors.donor_id
    where donors.is_genotyped
),

-- each load numbers the genes that it measured anew
measured as (
    select
        genes.region_idx,
        genes.gene_idx,
        pseudobulk_genes.gene_idx as expression_idx
    from {{ ref('int_rvat__genes') }} as genes
    inner join {{ source('raw', 'pseudobulk_genes') }} as pseudobulk_genes
        on genes.gene_id = pseudobulk_genes.gene_id
)

select
    measured.region_idx,
    cell_groups.design_idx,
    measured.gene_idx,
    cell_groups.cell_type_idx,
    cell_groups.donor_idx,
    coalesce(pseudobulk.mean, pseudobulk.sum) as expression
from {{ source('raw', 'pseudobulk') }} as pseudobulk
inner join cell_groups
    on pseudobulk.group_idx = cell_groups.group_idx
inner join measured
    on pseudobulk.gene_idx = measured.expression_idx
