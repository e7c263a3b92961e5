-- One row per gene of a locus, and the genes' shares of a locus add up to 1.
select
    study_id,
    lead_variant_id,
    count(*) as n_rows,
    count(distinct gene_id) as n_genes,
    sum(normalised_score) as total
from {{ ref('v2g_locus_scores') }}
group by study_id, lead_variant_id
having
    count(*) <> count(distinct gene_id)
    or abs(sum(normalised_score) - 1) > 1e-9
