-- Genes expressed in enough donors of a cell type to be tested there.
{%- set chosen = var('rvat_genes') %}
with donors as (
    select
        designs.cell_type_idx,
        designs.cell_type,
        designs.n_donors,
        donors.donor_id
    from {{ ref('int_rvat__designs') }} as designs
    inner join {{ ref('rvat_donors') }} as donors
        on designs.cell_type = donors.cell_type
    where donors.status = 'ok'
),

counts as (
    select
        donors.cell_type_idx,
        pseudobulk.gene_id,
        any_value(donors.n_donors) as n_donors,
        count(*) as n_expressed
    from {{ source('raw', 'pseudobulk') }} as pseudobulk
    inner join donors
        on pseudobulk.cell_type = donors.cell_type
        and pseudobulk.donor_id = donors.donor_id
    where
        coalesce(pseudobulk.mean, pseudobulk.sum) > 0
        {%- if chosen != 'all' %}
        and pseudobulk.gene_id in ({{ quoted_list(as_list(chosen)) }})
        {%- endif %}
    group by donors.cell_type_idx, pseudobulk.gene_id
)

select
    cell_type_idx,
    gene_id,
    n_expressed,
    n_donors
from counts
where n_expressed >= {{ var('min_donor_fraction') }} * n_donors
