"""SQL cookbook: twenty questions to the warehouse of ``varhouse demo``."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo

    import varhouse

    house = varhouse.connect("demo/demo.duckdb")
    return house, mo


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # SQL cookbook

    Twenty questions, each answered by one query on the warehouse that `varhouse demo` makes. The
    tables have the same names in yours.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 1. What has been loaded?

    Every file leaves a row, with its checksum and what became of its rows.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select kind, format, genome_build, n_read, n_loaded, n_rejected
        from load_manifest
        order by load_id
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 2. What was left out, and why?

    One row per file and reason; `example` shows where.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select code, n, message
        from load_issues
        order by n desc
        limit 5
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 3. How many donors carry a rare stop-gain or another high-impact variant, by gene?

    `annotations` says which variants, `genotypes` who has their alternative allele, the rare one.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select
            genes.gene_name,
            count(distinct annotations.variant_id) as n_variants,
            count(distinct genotypes.donor_idx) as n_carriers
        from annotations
        inner join genes
            on annotations.gene_id = genes.gene_id
        inner join variants
            on annotations.variant_id = variants.variant_id
        inner join genotypes
            on variants.variant_idx = genotypes.variant_idx
        inner join variant_qc
            on annotations.variant_id = variant_qc.variant_id
        where
            annotations.impact = 'HIGH'
            and variant_qc.af < 0.05
            and genotypes.dosage > 0
        group by genes.gene_name
        order by n_carriers desc
        limit 5
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 4. How rare are the variants?

    `variant_qc` has counts and frequencies among the donors that count.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select
            case
                when mac = 1 then '1 copy'
                when mac <= 5 then '2 to 5 copies'
                when maf < 0.01 then 'below 1 %'
                when maf < 0.05 then '1 to 5 %'
                else '5 % and above'
            end as frequency,
            count(*) as n_variants,
            min(mac) as fewest_copies
        from variant_qc
        where mac > 0
        group by frequency
        order by fewest_copies
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 5. How many variants of a single copy does a donor have?

    The spread tells more than the donors would.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with singletons as (
            select
                genotypes.donor_idx,
                count(*) as n_singletons
            from genotypes
            inner join variants
                on genotypes.variant_idx = variants.variant_idx
            inner join variant_qc
                on variants.variant_id = variant_qc.variant_id
            where
                variant_qc.ac = 1
                and genotypes.dosage = 1
            group by genotypes.donor_idx
        )

        select
            min(n_singletons) as fewest,
            median(n_singletons) as median,
            max(n_singletons) as most
        from singletons
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 6. Which consequences do the rare variants of a gene have?

    Terms are a list: `unnest` makes a row of each.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with terms as (
            select
                annotations.variant_id,
                unnest(annotations.consequence_terms) as term
            from annotations
            inner join genes
                on annotations.gene_id = genes.gene_id
            inner join variant_qc
                on annotations.variant_id = variant_qc.variant_id
            where
                genes.gene_name = 'DEMO29'
                and variant_qc.maf < 0.05
        )

        select
            term,
            count(distinct variant_id) as n_variants
        from terms
        group by term
        order by n_variants desc
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 7. Which gene does the lead variant act through?

    The table function takes an id or an rs number.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select rank, gene_name, overall_score, n_sources, best_source_id, tss_distance_bp
        from genes_for_variant('rs9900000001')
        limit 5
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 8. On what evidence?

    The contributions add up to the score; `file` is where the winning row came from.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select source_id, feature, raw_score, score, weight, contribution, file
        from explain_v2g('rs9900000001', 'DEMO17')
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 9. Which gene does each locus of a GWAS point to?

    Its causal variant is not known, so each variant near the strongest one counts with its
    posterior (Wakefield's Bayes factor, effects with a prior sd of 0.15).
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with hits as (
            select *
            from sumstats
            where
                study_id = 'demo_trait'
                and p_value < 5e-8
            qualify variant_id = arg_max(variant_id, (log10p, variant_id)) over (
                partition by chrom order by pos range between 250000 preceding and 250000 following
            )
        ),

        members as (
            select
                hits.variant_id as lead_id,
                sumstats.variant_id,
                0.0225 / (0.0225 + sumstats.se * sumstats.se) as shrink,
                0.5 * (ln(1 - shrink) + shrink * sumstats.z * sumstats.z) as log_bf
            from hits
            inner join sumstats
                on
                    hits.study_id = sumstats.study_id
                    and hits.chrom = sumstats.chrom
                    and sumstats.pos between hits.pos - 100000 and hits.pos + 100000
        ),

        posteriors as (
            select
                members.lead_id,
                members.variant_id,
                1 / sum(exp(others.log_bf - members.log_bf)) as posterior
            from members
            inner join members as others
                on members.lead_id = others.lead_id
            group by members.lead_id, members.variant_id
        )

        select
            posteriors.lead_id,
            v2g_scores.gene_name,
            round(sum(posteriors.posterior * v2g_scores.overall_score), 4) as v2g
        from posteriors
        inner join v2g_scores
            on posteriors.variant_id = v2g_scores.variant_id
        group by posteriors.lead_id, v2g_scores.gene_name
        qualify row_number() over (
            partition by posteriors.lead_id order by v2g desc, v2g_scores.gene_name
        ) <= 2
        order by posteriors.lead_id, v2g desc, v2g_scores.gene_name
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 10. How often is the nearest gene not the best one?

    Only genes that are scored are compared.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with nearest as (
            select
                v2g_scores.variant_id,
                arg_min(
                    v2g_scores.rank,
                    abs(variants.pos - genes.tss_pos)
                ) as rank_of_nearest
            from v2g_scores
            inner join variants
                on v2g_scores.variant_id = variants.variant_id
            inner join genes
                on v2g_scores.gene_id = genes.gene_id
            group by v2g_scores.variant_id
        )

        select
            count(*) as n_variants,
            count(*) filter (where rank_of_nearest > 1) as n_nearest_is_not_first
        from nearest
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 11. Which source decides?

    Of the pairs at rank 1, the source with the largest weighted score.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with deciding as (
            select
                v2g_scores.variant_id,
                v2g_source_scores.source_id
            from v2g_scores
            inner join v2g_source_scores
                on v2g_scores.variant_id = v2g_source_scores.variant_id
                and v2g_scores.gene_id = v2g_source_scores.gene_id
            where v2g_scores.rank = 1
            qualify
                row_number() over (
                    partition by v2g_scores.variant_id
                    order by
                        v2g_source_scores.weight * v2g_source_scores.score desc,
                        v2g_source_scores.source_id asc
                ) = 1
        )

        select
            source_id,
            count(*) as n_variants
        from deciding
        group by source_id
        order by n_variants desc
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 12. Who is tested in which cell type?

    A donor needs genotypes, covariates and cells of the type.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select cell_type, status, count(*) as n_donors
        from rvat_donors
        group by cell_type, status
        order by cell_type, status
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 13. Which cell types express a gene?

    `pseudobulk` has a row for each donor and gene, zeros too.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select
            pseudobulk.cell_type,
            count(*) as n_donors,
            count(*) filter (where pseudobulk.mean > 0) as n_expressing,
            avg(pseudobulk.mean) as mean_expression
        from pseudobulk
        inner join genes
            on pseudobulk.gene_id = genes.gene_id
        where genes.gene_name = 'DEMO17'
        group by pseudobulk.cell_type
        order by mean_expression desc
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 14. How does expression differ by genotype?

    A donor without a row in `genotypes` is homozygous for the reference; a NULL is a missing
    call.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with lead as (
            select
                variants.variant_idx,
                genotypes.donor_idx,
                genotypes.dosage
            from variants
            inner join genotypes
                on variants.variant_idx = genotypes.variant_idx
            where variants.rsid = 'rs9900000001'
        ),

        calls as (
            select
                donors.donor_id,
                case when lead.donor_idx is null then 0 else lead.dosage end as dosage
            from donors
            left join lead
                on donors.donor_idx = lead.donor_idx
            where donors.is_genotyped
        )

        select
            pseudobulk.cell_type,
            calls.dosage,
            count(*) as n_donors,
            avg(pseudobulk.mean) as mean_expression
        from calls
        inner join pseudobulk
            on calls.donor_id = pseudobulk.donor_id
        inner join genes
            on pseudobulk.gene_id = genes.gene_id
        where genes.gene_name = 'DEMO17'
        group by pseudobulk.cell_type, calls.dosage
        order by pseudobulk.cell_type, calls.dosage
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 15. Which genes do rare variants change?

    The best genes of each cell type, all tests combined.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select cell_type, gene_name, p_value, q_value, best_test
        from rvat_omnibus
        where status = 'ok'
        qualify row_number() over (partition by cell_type order by p_value, gene_id) <= 2
        order by cell_type, p_value
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 16. In which cell types?

    Of the genes with a q-value below 0.05 anywhere, -log10 p: one column a cell type.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        pivot (
            select gene_name, cell_type, log10p
            from rvat_omnibus
            where gene_id in (select gene_id from rvat_omnibus where q_value < 0.05)
        )
        on cell_type
        using max(log10p)
        order by gene_name
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 17. Do burden and SKAT agree?

    Burdens find effects of one sign, SKAT those of either.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select
            rvat_burden.cell_type,
            count(*) as n_genes,
            corr(rvat_burden.log10p, rvat_skat.log10p) as correlation,
            count(*) filter (where rvat_burden.p_value < 0.01) as n_burden,
            count(*) filter (where rvat_skat.p_value < 0.01) as n_skat
        from rvat_burden
        inner join rvat_skat
            on rvat_burden.cell_type = rvat_skat.cell_type
            and rvat_burden.gene_id = rvat_skat.gene_id
            and rvat_burden.mask = rvat_skat.mask
            and rvat_burden.max_maf = rvat_skat.max_maf
            and rvat_burden.weight = rvat_skat.weight
        where
            rvat_burden.aggregation = 'sum'
            and rvat_skat.test = 'skat'
        group by rvat_burden.cell_type
        order by rvat_burden.cell_type
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 18. Are the tests inflated?

    Lambda is near 1 where all is well; few genes make it vary.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select cell_type, test, weight, n_tested, min_p_value, lambda_gc
        from rvat_summary
        order by cell_type, test, weight
        limit 5
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 19. Where do V2G and the burden agree?

    Genes that rare variants change, and how many rare variants have them at rank 1 of V2G.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with rare_first as (
            select
                v2g_scores.gene_id,
                count(*) as n_rare_variants,
                max(v2g_scores.overall_score) as best_score
            from v2g_scores
            inner join variant_qc
                on v2g_scores.variant_id = variant_qc.variant_id
            where
                v2g_scores.rank = 1
                and variant_qc.maf between 0.000001 and 0.05
            group by v2g_scores.gene_id
        )

        select
            rvat_burden.cell_type,
            rvat_burden.gene_name,
            min(rvat_burden.p_value) as best_burden_p,
            any_value(rare_first.n_rare_variants) as n_rare_variants,
            any_value(rare_first.best_score) as best_v2g_score
        from rvat_burden
        inner join rare_first
            on rvat_burden.gene_id = rare_first.gene_id
        where rvat_burden.status = 'ok'
        group by rvat_burden.cell_type, rvat_burden.gene_name
        order by best_burden_p
        limit 5
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 20. What was built, and how long did it take?

    `run_results` is the log of every node; the var that a result depends on stands in
    `vars_json`.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select node, status, n_rows, seconds
        from run_results
        where resource_type = 'model'
        order by seconds desc
        limit 5
    """)
    return


if __name__ == "__main__":
    app.run()
