select
    variant_id,
    gene_id,
    count(*) as n_rows
from {{ ref('annotations_picked') }}
group by variant_id, gene_id
having count(*) > 1
