{{ config(materialized='view') }}
-- Common autosomal variants with few missing calls, from which population structure is taken.
with qc as (
    select
        variant_idx,
        chrom,
        pos,
        maf,
        missingness,
        status
    from {{ ref('variant_qc') }}
)

select
    variant_idx,
    chrom,
    pos
from qc
where
    status = 'ok'
    and chrom not in ('X', 'Y', 'MT')
    and maf >= {{ var_number('structure_min_maf', 0, 0.5) }}
    and missingness <= {{ var_number('structure_max_missingness', 0, 1) }}
