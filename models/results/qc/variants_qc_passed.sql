{{ config(materialized='view') }}

with qc as (
    select
        variant_idx,
        variant_id,
        chrom,
        pos,
        missingness,
        ac,
        an,
        af,
        mac,
        maf,
        hwe_p_value,
        hwe_log10p,
        status
    from {{ ref('variant_qc') }}
),

passed as (
    select *
    from qc
    where
        status <> 'no_calls'
        and missingness <= {{ var('qc_max_missingness') }}
        and mac >= {{ var('qc_min_mac') }}
        -- NULL where the test does not apply: that is no reason to drop a variant
        and coalesce(hwe_p_value >= {{ var('qc_min_hwe_p') }}, true)
)

select * from passed
