-- Genes expressed in enough donors of a cell type to be tested there.
{%- set chosen = var_list('rvat_genes') %}
with designs as (
    select
        cell_type_idx,
        cell_type,
        n_donors
    from {{ ref('int_rvat__designs') }}
),

-- who is ok in one cell type is ok in every one that they have cells of
donors as (
    select distinct donor_id
    from {{ ref('rvat_donors') }}
    where status = 'ok'
),

cell_groups as (
    select
        pseudobulk_donors.group_idx,
        designs.cell_type_idx,
        designs.n_donors
    from {{ source('raw', 'pseudobulk_donors') }} as pseudobulk_donors
    inner join designs
        on pseudobulk_donors.cell_type = designs.cell_type
    inner join donors
        on pseudobulk_donors.donor_id = donors.donor_id
),

genes as (
    select
        gene_idx,
        gene_id
    from {{ source('raw', 'pseudobulk_genes') }}
    {%- if chosen != ['all'] %}
    where gene_id in ({{ quoted_list(chosen) }})
    {%- endif %}
),

counts as (
    select
        cell_groups.cell_type_idx,
        pseudobulk.gene_idx,
        any_value(cell_groups.n_donors) as n_donors,
        count(*) as n_expressed
    from {{ source('raw', 'pseudobulk') }} as pseudobulk
    inner join cell_groups
        on pseudobulk.group_idx = cell_groups.group_idx
    {%- if chosen != ['all'] %}
    inner join genes
        on pseudobulk.gene_idx = genes.gene_idx
    {%- endif %}
    where coalesce(pseudobulk.mean, pseudobulk.sum) > 0
    group by cell_groups.cell_type_idx, pseudobulk.gene_idx
),

-- donors of a cell type may come from several loads, and each load numbers genes anew
counts_by_id as (
    select
        counts.cell_type_idx,
        genes.gene_id,
        cast(sum(counts.n_expressed) as bigint) as n_expressed,
        any_value(counts.n_donors) as n_donors
    from counts
    inner join genes
        on counts.gene_idx = genes.gene_idx
    group by counts.cell_type_idx, genes.gene_id
)

select
    cell_type_idx,
    gene_id,
    n_expressed,
    n_donors
from counts_by_id
where n_expressed >= {{ var_number('min_donor_fraction', 0, 1) }} * n_donors
