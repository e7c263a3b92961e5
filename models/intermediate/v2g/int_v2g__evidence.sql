-- What the scores are made of, and no more: text and statistics stay in the raw tables.
select
    variant_idx,
    gene_idx,
    group_idx,
    score
from {{ ref('int_v2g__ranked_rows') }}
