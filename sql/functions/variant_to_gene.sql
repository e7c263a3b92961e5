-- Questions that users ask of the V2G results. They call gene_key(text) and variant_key(text), so
-- this file comes after theirs in the order of names.
--
-- Tables are named by arguments with defaults: DuckDB binds a macro when it is created, and
-- before the first build the results are not there yet. It also lets a user ask another
-- schema: genes_for_variant('rs1421085', scores_table := 'what_if.v2g_scores').
--
-- An id and an rsID (an Ensembl id and a symbol) are asked for in branches of their own: DuckDB
-- takes a constant into the scans below a view that computes columns, but not the keys of a
-- join, and drops a branch whose condition is false before it starts. An id costs 0.1 s on
-- 5 M evidence rows, an rsID 1.7 s of CPU; the commands look up the ids of an rsID first.

-- One row per gene of each variant that `id` names, best gene first.
create or replace temp macro genes_for_variant(
    id,
    scores_table := 'v2g_scores',
    source_scores_table := 'v2g_source_scores',
    names_table := 'variant_names',
    genes_table := 'genes'
) as table
with rsid_alleles as (
    -- an rsID names every allele that carries it
    select names.variant_id
    from query_table(names_table) as names
    where
        starts_with(lower(trim(id)), 'rs')
        and names.rsid = lower(trim(id))
),

scored_genes as (
    select
        scores.variant_id,
        scores.rank,
        scores.gene_id,
        scores.overall_score,
        scores.n_sources
    from query_table(scores_table) as scores
    where scores.variant_id = variant_key(id)
    union all
    select
        scores.variant_id,
        scores.rank,
        scores.gene_id,
        scores.overall_score,
        scores.n_sources
    from query_table(scores_table) as scores
    where
        starts_with(lower(trim(id)), 'rs')
        and scores.variant_id in (select rsid_alleles.variant_id from rsid_alleles)
),

named_source_scores as (
    select
        source_scores.variant_id,
        source_scores.gene_id,
        source_scores.source_id,
        source_scores.feature,
        source_scores.weight * source_scores.score as weighted_score
    from query_table(source_scores_table) as source_scores
    where source_scores.variant_id = variant_key(id)
    union all
    select
        source_scores.variant_id,
        source_scores.gene_id,
        source_scores.source_id,
        source_scores.feature,
        source_scores.weight * source_scores.score as weighted_score
    from query_table(source_scores_table) as source_scores
    where
        starts_with(lower(trim(id)), 'rs')
        and source_scores.variant_id in (select rsid_alleles.variant_id from rsid_alleles)
),

best_sources as (
    select
        variant_id,
        gene_id,
        source_id,
        feature
    from named_source_scores
    qualify row_number() over (
        partition by variant_id, gene_id
        order by weighted_score desc, source_id
    ) = 1
),

described_genes as (
    select
        scored_genes.variant_id,
        scored_genes.rank,
        scored_genes.gene_id,
        genes.gene_name,
        scored_genes.overall_score,
        scored_genes.n_sources,
        best_sources.source_id as best_source_id,
        best_sources.feature as best_feature,
        cast(split_part(scored_genes.variant_id, '_', 2) as integer)
        - genes.tss_pos as tss_distance_bp
    from scored_genes
    left join best_sources
        on
            scored_genes.variant_id = best_sources.variant_id
            and scored_genes.gene_id = best_sources.gene_id
    left join query_table(genes_table) as genes on scored_genes.gene_id = genes.gene_id
)

select *
from described_genes
order by variant_id, rank, gene_id;

-- One row per variant scored for the gene, best score first. A symbol that several genes
-- share returns all of them: see gene_id.
create or replace temp macro variants_for_gene(
    gene,
    scores_table := 'v2g_scores',
    variants_table := 'variants',
    genes_table := 'genes'
) as table
with symbol_genes as (
    select known.gene_id
    from query_table(genes_table) as known
    where
        not starts_with(upper(trim(gene)), 'ENSG')
        and upper(trim(gene)) in (upper(known.gene_name), upper(known.gene_id))
        -- a gene that is called by its id is in the other branch
        and known.gene_id <> gene_key(gene)
),

scored_variants as (
    select
        scores.variant_id,
        scores.rank,
        scores.gene_id,
        scores.overall_score,
        scores.n_sources
    from query_table(scores_table) as scores
    where scores.gene_id = gene_key(gene)
    union all
    select
        scores.variant_id,
        scores.rank,
        scores.gene_id,
        scores.overall_score,
        scores.n_sources
    from query_table(scores_table) as scores
    where
        not starts_with(upper(trim(gene)), 'ENSG')
        and scores.gene_id in (select symbol_genes.gene_id from symbol_genes)
),

described_variants as (
    select
        scored_variants.variant_id,
        known.rsid,
        scored_variants.gene_id,
        genes.gene_name,
        scored_variants.overall_score,
        scored_variants.rank,
        scored_variants.n_sources,
        cast(split_part(scored_variants.variant_id, '_', 2) as integer)
        - genes.tss_pos as tss_distance_bp
    from scored_variants
    left join query_table(variants_table) as known
        on scored_variants.variant_id = known.variant_id
    left join query_table(genes_table) as genes on scored_variants.gene_id = genes.gene_id
)

select *
from described_variants
order by overall_score desc, abs(tss_distance_bp), variant_id, gene_id;
