-- The one pass over all calls. What is not in a row is homozygous for the reference, so that only
-- rows have to be counted here and the others follow from the number of donors. (count_if is NULL
-- where all it sees is NULL, as among missing calls; count with a filter is 0.)
with calls as (
    select
        variant_idx,
        donor_idx,
        dosage
    from {{ ref('stg_genotypes__calls') }}
),

donors as (
    select
        donor_idx,
        sex
    from {{ ref('genotype_donors') }}
),

counts as (
    select
        calls.variant_idx,
        donors.sex,
        count(*) as n_rows,
        count(calls.dosage) as n_measured,
        count(*) filter (where {{ is_hard_call('calls.dosage', 0) }}) as n_zero,
        count(*) filter (where {{ is_hard_call('calls.dosage', 1) }}) as n_one,
        count(*) filter (where {{ is_hard_call('calls.dosage', 2) }}) as n_two,
        cast(coalesce(sum({{ dosage_units('calls.dosage') }}), 0) as bigint) as n_units,
        -- a haploid call that a file writes as a diploid one has two copies where there is one
        cast(coalesce(sum({{ dosage_units(
            'case when calls.dosage > 1 then calls.dosage / 2 else calls.dosage end'
        ) }}), 0) as bigint) as n_haploid_units
    from calls
    inner join donors
        on calls.donor_idx = donors.donor_idx
    group by
        calls.variant_idx,
        donors.sex
)

select * from counts
