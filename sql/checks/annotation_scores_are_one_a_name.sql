select
    variant_id,
    gene_id,
    score_name,
    count(*) as n_rows
from {{ ref('annotation_scores') }}
group by variant_id, gene_id, score_name
having count(*) > 1
