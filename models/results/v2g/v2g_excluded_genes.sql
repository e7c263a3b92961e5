-- Genes that get no score, and why.
with genes as (
    select
        gene_id,
        gene_name,
        chrom,
        biotype,
        is_mitochondrial,
        has_excluded_biotype
    from {{ ref('int_v2g__genes') }}
    where not is_scored
)

select
    gene_id,
    gene_name,
    chrom,
    biotype,
    case
        when is_mitochondrial then 'mitochondrial'
        else 'biotype excluded by ' || '{{ v2g_option("biotype") }}'
    end as reason
from genes
