-- The one pass over all calls. What is not in a row is homozygous for the reference, so that only
-- rows have to be counted here and the others follow from the number of donors.
with calls as (
    select
        variant_idx,
        donor_idx,
        dosage,
        {{ hard_call('dosage') }} as hard_call
    from {{ ref('stg_genotypes__calls') }}
),

donors as (
    select
        donor_idx,
        sex
    from {{ ref('genotype_donors') }}
),

-- few groups and few sums: twice as fast as to tell the calls apart inside each count
counts_by_call as (
    select
        calls.variant_idx,
        donors.sex,
        calls.hard_call,
        count(*) as n_rows,
        count(calls.dosage) as n_measured,
        coalesce(sum({{ dosage_units('calls.dosage') }}), 0) as n_units,
        coalesce(sum({{ dosage_units('calls.dosage') }}) filter (where calls.dosage > 1), 0)
        as n_units_above_one
    from calls
    inner join donors
        on calls.donor_idx = donors.donor_idx
    group by
        calls.variant_idx,
        donors.sex,
        calls.hard_call
),

counts as (
    select
        variant_idx,
        sex,
        cast(sum(n_rows) as bigint) as n_rows,
        cast(sum(n_measured) as bigint) as n_measured,
        cast(coalesce(sum(n_rows) filter (where hard_call = 0), 0) as bigint) as n_zero,
        cast(coalesce(sum(n_rows) filter (where hard_call = 1), 0) as bigint) as n_one,
        cast(coalesce(sum(n_rows) filter (where hard_call = 2), 0) as bigint) as n_two,
        cast(sum(n_units) as bigint) as n_units,
        -- a haploid call that a file writes as a diploid one has two copies where there is one
        cast(sum(n_units - n_units_above_one // 2) as bigint) as n_haploid_units
    from counts_by_call
    group by
        variant_idx,
        sex
)

select * from counts
