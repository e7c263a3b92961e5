-- Why a variant has its score for a gene: one row per source, largest contribution first.
-- The contributions of a (variant, gene) add up to its overall_score. For the arguments that
-- name tables, and for why ids and rsIDs have branches, see variant_to_gene.sql.
create or replace temp macro explain_v2g(
    variant,
    gene,
    scores_table := 'v2g_scores',
    source_scores_table := 'v2g_source_scores',
    evidence_table := 'v2g_evidence',
    names_table := 'variant_names',
    genes_table := 'genes',
    manifest_table := 'load_manifest'
) as table
with rsid_alleles as (
    select names.variant_id
    from query_table(names_table) as names
    where
        starts_with(lower(trim(variant)), 'rs')
        and names.rsid = lower(trim(variant))
),

named_genes as (
    select
        known.gene_id,
        known.gene_name
    from query_table(genes_table) as known
    where
        known.gene_id = gene_key(gene)
        or upper(trim(gene)) in (upper(known.gene_name), upper(known.gene_id))
),

named_scores as (
    select
        scores.variant_id,
        scores.gene_id,
        scores.rank,
        scores.overall_score,
        scores.denominator
    from query_table(scores_table) as scores
    where scores.variant_id = variant_key(variant)
    union all
    select
        scores.variant_id,
        scores.gene_id,
        scores.rank,
        scores.overall_score,
        scores.denominator
    from query_table(scores_table) as scores
    where
        starts_with(lower(trim(variant)), 'rs')
        and scores.variant_id in (select rsid_alleles.variant_id from rsid_alleles)
),

named_source_scores as (
    select
        source_scores.variant_id,
        source_scores.gene_id,
        source_scores.source_id,
        source_scores.feature,
        source_scores.score,
        source_scores.weight
    from query_table(source_scores_table) as source_scores
    where source_scores.variant_id = variant_key(variant)
    union all
    select
        source_scores.variant_id,
        source_scores.gene_id,
        source_scores.source_id,
        source_scores.feature,
        source_scores.score,
        source_scores.weight
    from query_table(source_scores_table) as source_scores
    where
        starts_with(lower(trim(variant)), 'rs')
        and source_scores.variant_id in (select rsid_alleles.variant_id from rsid_alleles)
),

named_evidence as (
    select
        evidence.variant_id,
        evidence.gene_id,
        evidence.source_id,
        evidence.type_id,
        evidence.feature,
        evidence.detail,
        evidence.score,
        evidence.quantile,
        evidence.beta,
        evidence.se,
        evidence.p_value,
        evidence.load_id
    from query_table(evidence_table) as evidence
    where evidence.variant_id = variant_key(variant)
    union all
    select
        evidence.variant_id,
        evidence.gene_id,
        evidence.source_id,
        evidence.type_id,
        evidence.feature,
        evidence.detail,
        evidence.score,
        evidence.quantile,
        evidence.beta,
        evidence.se,
        evidence.p_value,
        evidence.load_id
    from query_table(evidence_table) as evidence
    where
        starts_with(lower(trim(variant)), 'rs')
        and evidence.variant_id in (select rsid_alleles.variant_id from rsid_alleles)
),

scores as (
    select
        named_scores.variant_id,
        named_scores.gene_id,
        named_genes.gene_name,
        named_scores.rank,
        named_scores.overall_score,
        named_scores.denominator
    from named_scores
    inner join named_genes on named_scores.gene_id = named_genes.gene_id
),

source_scores as (
    select
        named_source_scores.variant_id,
        named_source_scores.gene_id,
        named_source_scores.source_id,
        named_source_scores.feature,
        named_source_scores.score,
        named_source_scores.weight
    from named_source_scores
    inner join named_genes on named_source_scores.gene_id = named_genes.gene_id
),

-- the evidence row that won: the same link may be in several files or several times in one
winning_evidence as (
    select
        evidence.variant_id,
        evidence.gene_id,
        evidence.source_id,
        evidence.type_id,
        evidence.detail,
        evidence.score as raw_score,
        evidence.beta,
        evidence.se,
        evidence.p_value,
        evidence.load_id
    from named_evidence as evidence
    inner join source_scores
        on
            evidence.variant_id = source_scores.variant_id
            and evidence.gene_id = source_scores.gene_id
            and evidence.source_id = source_scores.source_id
            and evidence.feature is not distinct from source_scores.feature
    qualify row_number() over (
        partition by evidence.variant_id, evidence.gene_id, evidence.source_id
        order by
            evidence.quantile desc nulls last,
            evidence.score desc nulls last,
            evidence.detail,
            evidence.load_id
    ) = 1
),

contributions as (
    select
        scores.variant_id,
        scores.gene_id,
        scores.gene_name,
        scores.rank,
        scores.overall_score,
        source_scores.source_id,
        winning_evidence.type_id,
        source_scores.feature,
        winning_evidence.detail,
        winning_evidence.raw_score,
        source_scores.score,
        source_scores.weight,
        scores.denominator,
        source_scores.weight * source_scores.score / scores.denominator as contribution,
        winning_evidence.beta,
        winning_evidence.se,
        winning_evidence.p_value,
        case
            when
                winning_evidence.gene_id is not null
                and winning_evidence.load_id is null
                then 'variants x genes (computed)'
            else manifest.file
        end as file
    from scores
    inner join source_scores
        on
            scores.variant_id = source_scores.variant_id
            and scores.gene_id = source_scores.gene_id
    left join winning_evidence
        on
            source_scores.variant_id = winning_evidence.variant_id
            and source_scores.gene_id = winning_evidence.gene_id
            and source_scores.source_id = winning_evidence.source_id
    left join query_table(manifest_table) as manifest
        on winning_evidence.load_id = manifest.load_id
)

select *
from contributions
order by variant_id, gene_id, contribution desc, source_id;
