with cell_types as (
    select
        design_idx,
        min(cell_type) as cell_type
    from {{ ref('int_rvat__designs') }}
    group by design_idx
)

select
    cell_types.design_idx,
    donors.donor_idx
from cell_types
inner join {{ ref('rvat_donors') }} as donors
    on cell_types.cell_type = donors.cell_type
where donors.status = 'ok'
