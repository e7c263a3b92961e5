{{ config(materialized='view') }}
-- Expression of a gene in a cell type by donor, side by side in two lists; read a region at a time.
-- Donors of the lists who are not tested in the cell type are left out by who reads them: matching
-- on the donor alone is half the work.
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

measured as (
    select
        gene_idx,
        gene_id,
        zeros_left_out,
        load_id
    from {{ source('raw', 'pseudobulk_genes') }}
),

loads as (
    select distinct
        cell_type,
        load_id
    from {{ source('raw', 'pseudobulk_donors') }}
),

-- where a donor without a row has an expression of 0; elsewhere it is not known
zeros as (
    select distinct
        loads.cell_type,
        measured.gene_id
    from measured
    inner join loads
        on measured.load_id = loads.load_id
    where measured.zeros_left_out
),

cell_groups as (
    select
        pseudobulk_donors.group_idx,
        designs.cell_type_idx,
        donors.donor_idx
    from {{ source('raw', 'pseudobulk_donors') }} as pseudobulk_donors
    inner join designs
        on pseudobulk_donors.cell_type = designs.cell_type
    inner join {{ source('raw', 'donors') }} as donors
        on pseudobulk_donors.donor_id = donors.donor_id
    where donors.is_genotyped
),

tested as (
    select
        expressed.cell_type_idx,
        designs.cell_type,
        designs.design_idx,
        genes.region_idx,
        genes.gene_idx,
        expressed.gene_id,
        measured.gene_idx as expression_idx,
        zeros.gene_id is not null as has_zeros
    from {{ ref('int_rvat__expressed') }} as expressed
    inner join designs
        on expressed.cell_type_idx = designs.cell_type_idx
    inner join genes
        on expressed.gene_id = genes.gene_id
    inner join measured
        on expressed.gene_id = measured.gene_id
    left join zeros
        on designs.cell_type = zeros.cell_type
        and expressed.gene_id = zeros.gene_id
)

select
    tested.region_idx,
    tested.design_idx,
    tested.cell_type_idx,
    tested.gene_idx,
    -- what noise is seeded with, so that it does not depend on what else is tested
    any_value(tested.gene_id || ' ' || tested.cell_type) as seed_name,
    list(cell_groups.donor_idx) as donors,
    list(coalesce(pseudobulk.mean, pseudobulk.sum)) as expression,
    any_value(tested.has_zeros) as has_zeros
from {{ source('raw', 'pseudobulk') }} as pseudobulk
inner join cell_groups
    on pseudobulk.group_idx = cell_groups.group_idx
inner join tested
    on cell_groups.cell_type_idx = tested.cell_type_idx
    and pseudobulk.gene_idx = tested.expression_idx
group by
    tested.region_idx,
    tested.design_idx,
    tested.cell_type_idx,
    tested.gene_idx
