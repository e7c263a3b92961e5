"""From a GWAS lead to its gene, on the warehouse of ``varhouse demo``."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo

    import varhouse
    from varhouse.plot import locus, v2g_heatmap

    house = varhouse.connect("demo/demo.duckdb")
    return house, locus, mo, v2g_heatmap


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Which gene does a GWAS lead act through?

    The lead `rs9900000001` lies in an intron of one gene. The demo's evidence, from QTLs, promoter
    capture, enhancers, open chromatin, consequences and distance, points to another.

    ## The variant

    An rs number can stand for several alleles; scores belong to `chrom_pos_ref_alt`.
    """)
    return


@app.cell
def _(house):
    lead = "rs9900000001"
    variant_id = house.sql("select variant_id from variants where rsid = ?", [lead]).rows()[0][
        "variant_id"
    ]
    variant_id
    return lead, variant_id


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The study it comes from

    The GWAS of the demo, with the linkage of the cohort's own genotypes.
    """)
    return


@app.cell
def _(house, locus, variant_id):
    locus(house, variant_id, study="demo_trait")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The genes around it

    By distance alone the nearest would win.
    """)
    return


@app.cell
def _(house, variant_id):
    house.sql(
        """
        select
            genes.gene_name,
            variants.pos - genes.tss_pos as tss_distance_bp,
            variants.pos between genes.start_pos and genes.end_pos as is_inside
        from variants
        inner join genes
            on variants.chrom = genes.chrom
        where variants.variant_id = ?
        order by abs(variants.pos - genes.tss_pos)
        limit 5
        """,
        [variant_id],
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What the evidence says

    A row of `v2g_evidence` is a row of some file that ties the variant to a gene. Each is ranked
    among the rows of its source and feature, the quantile.
    """)
    return


@app.cell
def _(house, variant_id):
    house.sql(
        """
        select
            genes.gene_name,
            v2g_evidence.source_id,
            v2g_evidence.feature,
            v2g_evidence.score as raw_score,
            v2g_evidence.quantile
        from v2g_evidence
        inner join genes
            on v2g_evidence.gene_id = genes.gene_id
        where
            v2g_evidence.variant_id = ?
            and v2g_evidence.source_id <> 'canonical_tss'
        order by v2g_evidence.quantile desc, genes.gene_name, v2g_evidence.source_id
        limit 12
        """,
        [variant_id],
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The ranked genes

    The weighted mean over the sources, best gene first.
    """)
    return


@app.cell
def _(house, lead):
    ranked = house.sql("from genes_for_variant(?) limit 8", [lead])
    ranked
    return (ranked,)


@app.cell
def _(house, v2g_heatmap, variant_id):
    v2g_heatmap(house, variant_id, top=8)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Why the first gene is first

    The contributions add up to the score.
    """)
    return


@app.cell
def _(house, lead, ranked):
    best = ranked.rows()[0]["gene_name"]
    parts = house.sql("from explain_v2g(?, ?)", [lead, best])
    parts
    return best, parts


@app.cell
def _(best, mo, parts):
    total = sum(row["contribution"] for row in parts.rows())
    score = parts.rows()[0]["overall_score"]
    mo.md(f"The parts of {best} add up to {total:.4f}; its score is {score:.4f}.")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Would another reading of the score change the answer?

    `v2g_profile` is what this build used. `varhouse build --vars '{v2g_profile: production2022}'`
    builds another reading; the models that it does not touch are not built again.
    """)
    return


@app.cell
def _(house):
    house.sql("from v2g_profile")
    return


if __name__ == "__main__":
    app.run()
