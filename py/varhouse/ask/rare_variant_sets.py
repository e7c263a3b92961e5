"""Which variants entered the rare-variant tests of a gene, and why the others did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from varhouse.ask.answers import Answer
from varhouse.ask.names import (
    Gene,
    find_gene,
    has_table,
    query_column,
    query_rows,
    query_table,
    require_results,
)
from varhouse.ask.rare_variant_query import (
    ALONE,
    CONSEQUENCES,
    EXPLAIN,
    NO_CONSEQUENCES,
    NO_V2G,
    OF_GENE,
    PAIRS,
    SETS,
    V2G,
    VARIANTS,
)
from varhouse.ask.rare_variants import weight_names
from varhouse.errors import DataError

TESTED = "tested"

_RESULTS = ("rvat_burden", "rvat_skat", "rvat_omnibus", "int_rvat__options", "int_rvat__pairs")


class _Window(NamedTuple):
    """A tested gene's window, and the genotyped variants in it."""

    gene_idx: int
    chrom: str
    start: int
    end: int
    first_variant: int | None
    last_variant: int | None


def explain_gene(con: duckdb.DuckDBPyConnection, gene: str, cell_type: str | None = None) -> Answer:
    """Say which variants the rare-variant tests of a gene are made of, and why others are not.

    Parameters
    ----------
    con
        An open warehouse.
    gene
        An Ensembl id with or without version, or a symbol in any case.
    cell_type
        Only this one; all in which the gene was tested when None.

    Returns
    -------
    Answer
        A row for each genotyped variant in the window of the gene and each cell type. ``status``
        is `TESTED`, or why the variant is left out: ``no_calls``, ``monomorphic`` (in the whole
        cohort), ``only_in_untested_donors``, ``maf_too_high`` (for every cut-off), ``not_in_mask``,
        ``no_weight``, ``since_last_build``. ``n_carriers`` counts tested donors who are called with
        half a copy of the tested allele or more; ``beta`` to ``test_status`` are of the variant
        alone, tested by t with the donors, covariates and transformed expression of the gene's
        tests. The notes count the statuses.

    Raises
    ------
    DataError
        No such gene, it was not tested, or the models have not been built.
    """
    require_results(con, *_RESULTS)
    found = find_gene(con, gene)
    label = found.gene_name or found.gene_id
    window = _window(con, found, label, cell_type)
    pairs = PAIRS.format(gene_idx=window.gene_idx)
    alone = ALONE.format(pairs=pairs)
    sets = _sets(con, found.gene_id)
    is_built = {name: has_table(con, name) for name in ("annotations_picked", "v2g_scores")}
    (consequence_from,) = query_column(con, "select consequence_from from int_rvat__options")
    parts = {
        "{pairs}": pairs,
        "{alone}": alone,
        "{consequences}": CONSEQUENCES[consequence_from]
        if is_built["annotations_picked"]
        else NO_CONSEQUENCES,
        "{v2g}": V2G if is_built["v2g_scores"] else NO_V2G,
        "{weights}": _weight_columns(con, found.gene_id),
    }
    query = EXPLAIN
    for place, part in parts.items():
        query = query.replace(place, part)
    table = query_table(
        con,
        query,
        {
            "gene_idx": window.gene_idx,
            "gene_id": found.gene_id,
            "cell_type": cell_type,
            "first_idx": window.first_variant,
            "last_idx": window.last_variant,
            "sets": [f"{mask} < {max_maf}" for mask, max_maf in sets],
            "largest_maf": max(max_maf for _, max_maf in sets),
            "sets_alone": f"({SETS.format(alone=alone)})",
            "variants": f"({VARIANTS.format(alone=alone)})",
            **{
                name: f"({OF_GENE.format(relation=f'int_rvat__{name}', gene_idx=window.gene_idx)})"
                for name in ("phenotypes", "expression")
            },
        },
    )
    notes = _notes(con, found, label, window, table)
    notes += [
        f"{name} is not built: its columns are empty." for name in is_built if not is_built[name]
    ]
    return Answer(table, notes)


def _window(
    con: duckdb.DuckDBPyConnection, gene: Gene, label: str, cell_type: str | None
) -> _Window:
    """Return the window of a gene that was tested, in the cell type if one is given."""
    tested = query_column(
        con,
        "select designs.cell_type from int_rvat__expressed as expressed "
        "inner join int_rvat__designs as designs "
        "on expressed.cell_type_idx = designs.cell_type_idx "
        "inner join int_rvat__genes as genes on expressed.gene_id = genes.gene_id "
        "where expressed.gene_id = ? order by designs.cell_type",
        [gene.gene_id],
    )
    if not tested or cell_type not in (None, *tested):
        raise DataError(_untested(con, gene, label, cell_type, tested))
    rows = query_rows(
        con,
        "select genes.gene_idx, genes.chrom, genes.window_start, genes.window_end, "
        "min(variants.variant_idx), max(variants.variant_idx) "
        "from int_rvat__genes as genes left join raw.variants as variants "
        "on genes.chrom = variants.chrom "
        "and variants.pos between genes.window_start and genes.window_end "
        "and variants.genotype_load_id is not null "
        "where genes.gene_id = ? group by all",
        [gene.gene_id],
    )
    return _Window(*rows[0])


def _untested(
    con: duckdb.DuckDBPyConnection,
    gene: Gene,
    label: str,
    cell_type: str | None,
    tested: list[str],
) -> str:
    where = f" in {cell_type}" if cell_type is not None else ""
    text = f"{label} ({gene.gene_id}): not tested{where} in the last build."
    if tested:
        return f"{text} It was in {', '.join(tested)}."
    expressed = query_rows(
        con,
        "select donors.cell_type, count(pseudobulk.donor_id), count(*) "
        "from rvat_donors as donors left join pseudobulk "
        "on donors.cell_type = pseudobulk.cell_type "
        "and donors.donor_id = pseudobulk.donor_id and pseudobulk.gene_id = ? "
        "and coalesce(pseudobulk.mean, pseudobulk.sum) > 0 "
        "where donors.status = 'ok' group by donors.cell_type order by donors.cell_type",
        [gene.gene_id],
    )
    counts = ", ".join(f"{n} of {n_all} donors of {name}" for name, n, n_all in expressed)
    if not counts:
        return f"{text} No donor has genotypes, covariates and expression."
    return (
        f"{text} It is expressed by {counts}; tested is what the vars rvat_genes, cell_types and "
        "min_donor_fraction ask for."
    )


def _sets(con: duckdb.DuckDBPyConnection, gene_id: str) -> list[tuple[Any, ...]]:
    """Return mask and frequency cut-off of the variant sets, in their order."""
    return query_rows(
        con,
        "select mask, max_maf from int_rvat__asked where gene_id = ? "
        "group by set_idx, mask, max_maf order by set_idx",
        [gene_id],
    )


def _weight_columns(con: duckdb.DuckDBPyConnection, gene_id: str) -> str:
    """Return the list of weights as a column for each."""
    names = [name.replace('"', '""') for name in weight_names(con, gene_id)]
    return ", ".join(
        f'cast(judged.weights[{number}] as double) as "weight_{name}"'
        for number, name in enumerate(names, start=1)
    )


def _notes(
    con: duckdb.DuckDBPyConnection, gene: Gene, label: str, window: _Window, table: pa.Table
) -> list[str]:
    results = {
        row[0]: row[1:]
        for row in query_rows(
            con,
            "select omnibus.cell_type, omnibus.status, omnibus.p_value, omnibus.best_test, "
            "designs.n_donors from rvat_omnibus as omnibus "
            "inner join int_rvat__designs as designs on omnibus.cell_type = designs.cell_type "
            "where omnibus.gene_id = ?",
            [gene.gene_id],
        )
    }
    counts: dict[str, Counter[str]] = {}
    for cell_type, status in zip(
        table["cell_type"].to_pylist(), table["status"].to_pylist(), strict=True
    ):
        counts.setdefault(cell_type, Counter())[status] += 1
    if not counts:
        return [f"{label}: no genotyped variant in {window.chrom}:{window.start}-{window.end}."]
    return [
        f"{label} in {cell_type}: {_counted(each)} of {each.total()} genotyped variants in "
        f"{window.chrom}:{window.start}-{window.end}; {_result(*results[cell_type])}"
        for cell_type, each in counts.items()
    ]


def _counted(counts: Mapping[str, int]) -> str:
    text = f"{counts.get(TESTED, 0)} tested"
    if left_out := [f"{n} {name}" for name, n in sorted(counts.items()) if name != TESTED]:
        text += f" ({', '.join(left_out)} are not)"
    return text


def _result(status: str, p_value: float | None, best_test: str | None, n_donors: int) -> str:
    if p_value is None:
        return f"no result in {n_donors} donors: {status}."
    return f"p = {p_value:.3g} in {n_donors} donors over all tests, the best of them {best_test}."
