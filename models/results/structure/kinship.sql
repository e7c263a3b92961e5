-- Genetic relationship of every two donors; empty unless the var kinship is true.
with asked as (
    select count(*) as n_variants
    from {{ ref('int_qc__structure_variants') }}
    having count(*) > 0 and {{ 'true' if var_choice('kinship', [true, false]) else 'false' }}
),

found as (
    select unnest(genotype_kinship({{ structure_arguments() }})) as entry
    from asked
)

select
    donors.donor_id,
    others.donor_id as other_id,
    found.entry.value as relationship
from found
inner join {{ ref('genotype_donors') }} as donors
    on found.entry.donor_idx = donors.donor_idx
inner join {{ ref('genotype_donors') }} as others
    on found.entry.other_idx = others.donor_idx
