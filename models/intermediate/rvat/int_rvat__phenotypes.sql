-- Each gene in each cell type that it is tested in.
with loads as (
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
    from {{ source('raw', 'pseudobulk_genes') }} as measured
    inner join loads
        on measured.load_id = loads.load_id
    where measured.zeros_left_out
)

select
    genes.region_idx,
    designs.design_idx,
    genes.gene_idx,
    expressed.cell_type_idx,
    genes.gene_id,
    -- what noise is seeded with, so that it does not depend on what else is tested
    genes.gene_id || ' ' || designs.cell_type as seed_name,
    zeros.gene_id is not null as has_zeros
from {{ ref('int_rvat__expressed') }} as expressed
inner join {{ ref('int_rvat__designs') }} as designs
    on expressed.cell_type_idx = designs.cell_type_idx
inner join {{ ref('int_rvat__genes') }} as genes
    on expressed.gene_id = genes.gene_id
left join zeros
    on designs.cell_type = zeros.cell_type
    and expressed.gene_id = zeros.gene_id
