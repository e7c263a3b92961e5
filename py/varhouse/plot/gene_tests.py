"""Which rare-variant tests a figure shows: one p-value for each gene and cell type."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

import duckdb

from varhouse.ask.names import has_table, query_column, query_rows, require_results
from varhouse.errors import DataError, UsageError

# Every gene-level test in one shape; `{tables}` are those of `_TABLES` that are built.
_TABLES = {
    "rvat_omnibus": """
        select cell_type, gene_id, gene_name, 'omnibus' as test, '' as weight, '' as aggregation,
            '' as mask, cast(null as double) as max_maf, cast(null as double) as beta, log10p
        from rvat_omnibus
    """,
    "rvat_burden": """
        select cell_type, gene_id, gene_name, 'burden' as test, weight, aggregation, mask, max_maf,
            beta, log10p
        from rvat_burden
    """,
    "rvat_skat": """
        select cell_type, gene_id, gene_name, test, weight, '' as aggregation, mask, max_maf,
            cast(null as double) as beta, log10p
        from rvat_skat
    """,
    "rvat_acat": """
        select cell_type, gene_id, gene_name, 'acat' as test, '' as weight, aggregation, mask,
            max_maf, cast(null as double) as beta, log10p
        from rvat_acat
    """,
}
# What beside the cell type tells tests of one kind apart.
_SETTINGS = ("weight", "aggregation", "mask", "max_maf")


class GeneTests(TypedDict, total=False):
    """Which tests to show, as keyword arguments of a figure.

    Attributes
    ----------
    test
        ``omnibus`` (all tests of a gene combined), ``burden``, ``acat`` (the burdens under all
        weights combined), ``skat``, ``skat_o`` or ``acat_v``.
    cell_type
        Only this one.
    weight, aggregation, mask, max_maf
        As in ``rvat_burden`` and ``rvat_skat``; to be named where the tests were made with
        several.
    """

    test: str
    cell_type: str | None
    weight: str | None
    aggregation: str | None
    mask: str | None
    max_maf: float | None


class Selection(NamedTuple):
    """Chosen tests.

    Attributes
    ----------
    query
        SQL with the columns ``cell_type, gene_id, gene_name, test, weight, aggregation, mask,
        max_maf, beta, log10p``; rows without a p-value are left out.
    params
        What its ``$names`` stand for.
    label
        The tests in words.
    """

    query: str
    params: dict[str, Any]
    label: str


def refuse_tests(tests: GeneTests) -> None:
    """Refuse a choice of tests in a figure that is about the variants of a study.

    Raises
    ------
    UsageError
        Names what was chosen.
    """
    named = [name for name, value in tests.items() if value is not None]
    if named:
        raise UsageError(
            f"{', '.join(named)}: is about tests of genes, study and trait about variants; "
            "name one kind."
        )


def select_tests(
    con: duckdb.DuckDBPyConnection, wanted: GeneTests, *, default: str = "omnibus"
) -> Selection:
    """Find the tests that are asked for, one for each gene and cell type.

    Parameters
    ----------
    con
        An open warehouse.
    wanted
        What the user said; all cell types when none is named.
    default
        The test when none is named.

    Raises
    ------
    UsageError
        Several tests a gene remain; the message lists what to choose from.
    DataError
        The models have not been built, or no test fits.
    """
    chosen: dict[str, Any] = {"test": default, **wanted}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    query = _query(con, chosen)
    settings = query_rows(
        con, f"select distinct {', '.join(_SETTINGS)} from ({query}) order by all", chosen
    )
    if not settings:
        raise DataError(_nothing(con, chosen))
    for i, name in enumerate(_SETTINGS):
        found = sorted({row[i] for row in settings}, key=str)
        if len(found) > 1:
            raise UsageError(
                f"{chosen['test']}: was tested with several values of {name}; name one: "
                f"{', '.join(map(str, found))}."
            )
    return Selection(query, chosen, _label(chosen["test"], *settings[0]))


def select_all_tests(con: duckdb.DuckDBPyConnection, wanted: GeneTests) -> Selection:
    """Find all tests that fit, several of one gene and cell type too.

    Raises
    ------
    DataError
        The models have not been built, or no test fits.
    """
    chosen = {name: value for name, value in wanted.items() if value is not None}
    query = _query(con, chosen)
    if not query_rows(con, f"select 1 from ({query}) limit 1", chosen):
        raise DataError(_nothing(con, chosen))
    return Selection(query, chosen, "all tests")


def cell_types_of(con: duckdb.DuckDBPyConnection, selection: Selection) -> list[str]:
    """Return the cell types of the chosen tests, by name."""
    return query_column(
        con,
        f"select distinct cell_type from ({selection.query}) order by cell_type",
        selection.params,
    )


def _query(con: duckdb.DuckDBPyConnection, chosen: dict[str, Any]) -> str:
    require_results(con, "rvat_omnibus")
    there = [query for name, query in _TABLES.items() if has_table(con, name)]
    conditions = " and ".join(["log10p is not null", *(f"{name} = ${name}" for name in chosen)])
    return f"select * from ({' union all '.join(there)}) where {conditions}"


def _label(test: str, weight: str, aggregation: str, mask: str, max_maf: float | None) -> str:
    parts = [test]
    if aggregation not in ("", "sum"):
        parts.append(aggregation)
    if weight:
        parts.append(weight)
    if mask not in ("", "all"):
        parts.append(f"mask {mask}")
    if max_maf is not None:
        parts.append(f"MAF < {max_maf:g}")
    return ", ".join(parts)


def _nothing(con: duckdb.DuckDBPyConnection, chosen: dict[str, Any]) -> str:
    """Say which part of the choice leaves no test, and what there is instead."""
    kept: dict[str, Any] = {}
    for name in ("test", "cell_type", *_SETTINGS):
        if name not in chosen:
            continue
        more = kept | {name: chosen[name]}
        if query_rows(con, f"select 1 from ({_query(con, more)}) limit 1", more):
            kept = more
            continue
        there = query_column(
            con, f"select distinct {name} from ({_query(con, kept)}) order by all", kept
        )
        return (
            f"{name} {chosen[name]!r}: no gene has a p-value of this; there is "
            f"{', '.join(map(str, there)) or 'none at all'}."
        )
    return "no gene has a p-value: see the statuses in rvat_omnibus."
