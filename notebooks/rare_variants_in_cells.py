"""Rare-variant tests in single cells, step by step, on the warehouse of ``varhouse demo``."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo

    import varhouse
    from varhouse.plot import qq

    house = varhouse.connect("demo/demo.duckdb")
    return house, mo, qq


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Do rare variants change a gene's expression in a cell type?

    The steps are those of the public tutorial of cellink, in its order: donors, expression,
    covariates, annotations, variant sets, burden tests, their combination, SKAT. There each step is
    a call on objects in memory; here each is a table that SQL models have made, for all cell types
    and genes at once.

    ## 1. Donors

    Those with genotypes, covariates and cells are tested; the others are named with a reason.
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
    ## 2. Expression

    `varhouse load cells` scaled each cell to the median total, took log1p, and averaged the cells
    of a donor and cell type. A gene is tested where at least a tenth of the donors express it.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with expressed as (
            select
                cell_type,
                gene_id,
                avg(cast(mean > 0 as integer)) as share
            from pseudobulk
            group by cell_type, gene_id
        )

        select
            cell_type,
            count(*) as n_genes,
            count(*) filter (where share >= 0.1) as n_expressed
        from expressed
        group by cell_type
        order by cell_type
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 3. Covariates

    Sex, age and what else was loaded, and principal components of expression that loading cells has
    made. Expression itself becomes the normal quantile of its rank within gene and cell type.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select covariate, count(distinct donor_idx) as n_donors
        from int_rvat__covariates
        group by covariate
        order by covariate
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 4. Annotations

    Rows belong to a variant *and* a gene, so that another gene's consequence never weighs this one.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select impact, count(distinct variant_id) as n_variants, count(distinct gene_id) as n_genes
        from annotations_picked
        group by impact
        order by n_variants
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 5. Variant sets

    Rare among the tested donors, polymorphic, within the window of the gene.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select
            cell_type,
            count(distinct gene_id) as n_genes,
            min(n_variants) as fewest_variants,
            median(n_variants) as median_variants,
            max(n_variants) as most_variants
        from rvat_burden
        group by cell_type
        order by cell_type
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 6. Burden tests

    One row for each gene, cell type, weight, mask and cut-off; `status` says when there is none.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select
            cell_type, gene_name, weight, mask, n_variants, n_carriers, beta, se, p_value
        from rvat_burden
        where status = 'ok'
        order by p_value
        limit 8
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 7. Burdens combined (ACAT)

    The p-values of all weights of a gene, combined without assuming that they are independent.
    """)
    return


@app.cell
def _(house):
    house.sql("from rvat_acat where status = 'ok' order by p_value limit 5")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 8. SKAT

    A burden loses its power where effects have both signs; SKAT does not.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select cell_type, gene_name, test, mask, n_variants, p_value
        from rvat_skat
        where status = 'ok'
        order by p_value
        limit 8
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Beyond the tutorial

    All tests of a gene in one p-value, with a false discovery rate among the genes of a cell type;
    and whether the tests behave.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        select cell_type, gene_name, p_value, q_value, best_test
        from rvat_omnibus
        where status = 'ok'
        order by p_value
        limit 8
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    What only a warehouse that holds both can do: the same burden, its variants weighed by how much
    their V2G evidence points to the gene.
    """)
    return


@app.cell
def _(house):
    house.sql("""
        with weights as (
            select cell_type, gene_name, weight, log10p
            from rvat_burden
            where
                status = 'ok'
                and weight in ('maf_beta', 'maf_beta*v2g')
        )

        select
            cell_type,
            gene_name,
            max(log10p) filter (where weight = 'maf_beta') as log10p_plain,
            max(log10p) filter (where weight = 'maf_beta*v2g') as log10p_weighted_by_v2g
        from weights
        group by cell_type, gene_name
        order by log10p_weighted_by_v2g desc nulls last
        limit 8
    """)
    return


@app.cell
def _(house, qq):
    qq(house, test="omnibus")
    return


if __name__ == "__main__":
    app.run()
