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
        and missingness <= {{ var_number('qc_max_missingness', 0, 1) }}
        and mac >= {{ var_number('qc_min_mac', 0, 1000000000) }}
        -- NULL where the test does not apply: that is no reason to drop a variant
        and coalesce(hwe_p_value >= {{ var_number('qc_min_hwe_p', 0, 1) }}, true)
)

select * from passed
