-- Cell types with the same donors share a design, and all that does not depend on expression.
with donors as (
    select
        cell_type,
        donor_idx
    from {{ ref('rvat_donors') }}
    where status = 'ok'
),

described as (
    select
        cell_type,
        count(*) as n_donors,
        md5(string_agg(cast(donor_idx as varchar), ',' order by donor_idx)) as donor_set
    from donors
    group by cell_type
)

select
    cell_type,
    cast(row_number() over (order by cell_type) - 1 as integer) as cell_type_idx,
    cast(dense_rank() over (order by n_donors desc, donor_set asc) - 1 as integer) as design_idx,
    n_donors
from described
