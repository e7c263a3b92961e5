-- One row per variant and gene.
select
    variant_idx,
    gene_idx,
    count(*) as n_rows
from {{ ref('int_v2g__scores') }}
group by variant_idx, gene_idx
having count(*) > 1
