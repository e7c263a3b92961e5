-- Genes expressed in enough donors of a cell type to be tested there.
{%- set chosen = var('rvat_genes') %}
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

counts as (
    select
        designs.cell_type_idx,
        pseudobulk.gene_id,
        any_value(designs.n_donors) as n_donors,
        count(*) as n_expressed
    from {{ source('raw', 'pseudobulk') }} as pseudobulk
    inner join designs
        on pseudobulk.cell_type = designs.cell_type
    inner join donors
        on pseudobulk.donor_id = donors.donor_id
    where
        coalesce(pseudobulk.mean, pseudobulk.sum) > 0
        {%- if chosen != 'all' %}
        and pseudobulk.gene_id in ({{ quoted_list(as_list(chosen)) }})
        {%- endif %}
    group by designs.cell_type_idx, pseudobulk.gene_id
)

select
    cell_type_idx,
    gene_id,
    n_expressed,
    n_donors
from counts
where n_expressed >= {{ var_number('min_donor_fraction', 0, 1) }} * n_donors
