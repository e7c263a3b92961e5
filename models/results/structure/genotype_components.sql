-- Leading components of the genotypes; none unless the var genotype_pcs asks for some.
with asked as (
    select count(*) as n_variants
    from {{ ref('int_qc__structure_variants') }}
    having count(*) > 0 and {{ var('genotype_pcs') }} > 0
),

found as (
    select unnest(genotype_pcs({{ structure_arguments() }})) as entry
    from asked
)

select
    found.entry.donor_idx,
    donors.donor_id,
    found.entry.component,
    found.entry.value
from found
inner join {{ ref('genotype_donors') }} as donors
    on found.entry.donor_idx = donors.donor_idx
