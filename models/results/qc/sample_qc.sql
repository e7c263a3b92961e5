with donors as (
    select
        donor_idx,
        donor_id,
        sex
    from {{ ref('genotype_donors') }}
),

-- Y is left out: who has one is not a matter of call quality
variants as (
    select
        variants.variant_idx,
        variants.inheritance = 'autosomal' as is_autosomal,
        -- of a diploid donor, in 1e-9, so that the sums below are exact; n / (n - 1) because the
        -- frequency comes from the same alleles (as in PLINK's --het)
        case
            when variants.inheritance = 'autosomal' and qc.an > 1
                then cast(round(2e9 * qc.af * (1 - qc.af) * qc.an / (qc.an - 1)) as bigint)
            else 0
        end as expected_het_units
    from {{ ref('int_qc__variants') }} as variants
    inner join {{ ref('variant_qc') }} as qc
        on variants.variant_idx = qc.variant_idx
    where variants.inheritance <> 'y_linked'
),

totals as (
    select
        count(*) as n_variants,
        count(*) filter (where is_autosomal) as n_autosomal,
        cast(coalesce(sum(expected_het_units), 0) as bigint) as expected_het_units
    from variants
),

calls as (
    select
        variant_idx,
        donor_idx,
        dosage,
        {{ hard_call('dosage') }} as hard_call
    from {{ ref('stg_genotypes__calls') }}
),

counts_by_call as (
    select
        calls.donor_idx,
        variants.is_autosomal,
        calls.hard_call,
        count(*) as n_rows,
        count(calls.dosage) as n_measured,
        sum(variants.expected_het_units) as expected_het_units
    from calls
    inner join variants
        on calls.variant_idx = variants.variant_idx
    group by
        calls.donor_idx,
        variants.is_autosomal,
        calls.hard_call
),

counts as (
    select
        donor_idx,
        cast(sum(n_rows - n_measured) as bigint) as n_missing,
        cast(coalesce(sum(n_rows) filter (where hard_call > 0), 0) as bigint) as n_non_ref,
        cast(coalesce(sum(n_rows) filter (where is_autosomal and hard_call = 1), 0) as bigint)
        as n_het,
        cast(coalesce(sum(n_rows) filter (where is_autosomal and hard_call = 2), 0) as bigint)
        as n_hom_alt,
        cast(coalesce(sum(n_rows) filter (where is_autosomal and hard_call is null), 0) as bigint)
        as n_not_called,
        cast(coalesce(sum(expected_het_units) filter (where hard_call is null), 0) as bigint)
        as unseen_het_units
    from counts_by_call
    group by donor_idx
),

-- a donor without a row is homozygous for the reference everywhere
measured as (
    select
        donors.donor_idx,
        donors.donor_id,
        donors.sex,
        totals.n_variants,
        coalesce(counts.n_missing, 0) as n_missing,
        coalesce(counts.n_non_ref, 0) as n_non_ref,
        coalesce(counts.n_het, 0) as n_het,
        coalesce(counts.n_hom_alt, 0) as n_hom_alt,
        totals.n_autosomal - coalesce(counts.n_not_called, 0) as n_hard_called,
        cast(totals.expected_het_units - coalesce(counts.unseen_het_units, 0) as double) / 1e9
        as expected_het
    from donors
    cross join totals
    left join counts
        on donors.donor_idx = counts.donor_idx
)

select
    donor_idx,
    donor_id,
    sex,
    n_variants,
    n_variants - n_missing as n_called,
    n_missing,
    n_missing / nullif(n_variants, 0) as missingness,
    n_non_ref,
    n_hard_called as n_autosomal,
    n_het,
    n_hom_alt,
    n_het / nullif(n_hard_called, 0) as heterozygosity,
    expected_het,
    1 - n_het / nullif(expected_het, 0) as f_coefficient,
    case
        when n_variants - n_missing = 0 then 'no_calls'
        when n_hard_called = 0 then 'no_autosomal_calls'
        when expected_het = 0 then 'no_variation'
        else 'ok'
    end as status
from measured
