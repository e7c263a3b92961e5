"""From what a user types to variant and gene ids, or an error with the nearest known names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from varhouse.errors import DataError

_RSID = re.compile(r"rs\d+", re.IGNORECASE)
_GENE_ID = re.compile(r"ENSG\d+(\.\d+)?", re.IGNORECASE)
# A typing error is one or two letters; beyond that a suggestion is noise.
_MAX_TYPOS = 2
_N_SUGGESTIONS = 3
_NEARBY_BP = 1000


Parameters = Sequence[Any] | Mapping[str, Any]


class VariantKey(NamedTuple):
    """The parts of a variant id."""

    chrom: str
    pos: int
    ref: str
    alt: str


class Gene(NamedTuple):
    """One row of the gene index."""

    gene_id: str
    gene_name: str | None
    chrom: str
    biotype: str


def query_table(
    con: duckdb.DuckDBPyConnection, query: str, params: Parameters | None = None
) -> pa.Table:
    """Run a query and fetch it whole, so that the connection is free again."""
    return con.sql(query, params=params).to_arrow_table()


def query_rows(
    con: duckdb.DuckDBPyConnection, query: str, params: Parameters | None = None
) -> list[tuple[Any, ...]]:
    """Run a query and fetch its rows as tuples."""
    return con.execute(query, params).fetchall()


def query_column(
    con: duckdb.DuckDBPyConnection, query: str, params: Parameters | None = None
) -> list[Any]:
    """Run a query and fetch its first column."""
    return [row[0] for row in query_rows(con, query, params)]


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Tell whether the warehouse has a table or view of this name."""
    found = query_rows(
        con,
        "select 1 from information_schema.tables where table_schema = 'main' and table_name = ?",
        [name],
    )
    return bool(found)


def require_results(con: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Refuse to go on before the models that make these tables have run.

    Raises
    ------
    DataError
        A table is not there yet.
    """
    missing = [name for name in names if not has_table(con, name)]
    if missing:
        raise DataError(
            f"{', '.join(missing)}: not in this warehouse, the models have not been built. "
            "Run `varhouse build` first."
        )


def is_rsid(text: str) -> bool:
    """Tell whether the text is written like an rsID."""
    return _RSID.fullmatch(text.strip()) is not None


def canonical_id(con: duckdb.DuckDBPyConnection, text: str) -> str | None:
    """Return ``chrom_pos_ref_alt`` of any accepted spelling, None if it is none."""
    key: str | None = query_rows(con, "select variant_key(?)", [text.strip()])[0][0]
    return key


def split_id(variant_id: str) -> VariantKey:
    """Return the parts of a canonical id."""
    chrom, pos, ref, alt = variant_id.split("_", 3)
    return VariantKey(chrom, int(pos), ref, alt)


def find_variants(con: duckdb.DuckDBPyConnection, text: str) -> list[str]:
    """Return the indexed variants that ``text`` names: one id, or every allele of an rsID.

    Raises
    ------
    DataError
        Not an id, or not in the variant index; says which known ones are close.
    """
    if is_rsid(text):
        return _find_rsid(con, text.strip().lower())
    key = canonical_id(con, text)
    if key is None:
        raise DataError(
            f"{text!r}: not a variant. Wanted chrom_pos_ref_alt such as 16_53800954_T_C "
            "(chr16:53800954:T:C and 16-53800954-T-C are understood) or an rsID such as rs1421085."
        )
    if query_rows(con, "select 1 from variant_universe where variant_id = ? limit 1", [key]):
        return [key]
    raise DataError(f"{key}: not in the variant index. {nearby_variants(con, key)}")


def nearby_variants(con: duckdb.DuckDBPyConnection, key: str) -> str:
    """Say in one sentence what the index has where ``key`` is not."""
    chrom, pos, ref, alt = split_id(key)
    here = query_column(
        con,
        "select distinct variant_id from variant_universe where chrom = ? and pos = ? "
        "order by variant_id",
        [chrom, pos],
    )
    swapped = f"{chrom}_{pos}_{alt}_{ref}"
    if swapped in here:
        return f"The alleles are swapped: the index has {swapped}."
    if here:
        return f"At this position it has other alleles: {', '.join(here)}."
    near = query_column(
        con,
        "select variant_id from variant_universe where chrom = ? and pos between ? and ? "
        "group by variant_id, pos order by abs(pos - ?), variant_id limit ?",
        [chrom, pos - _NEARBY_BP, pos + _NEARBY_BP, pos, _N_SUGGESTIONS],
    )
    if near:
        return f"Nothing is at this position; nearest: {', '.join(near)}."
    chroms = query_column(con, "select distinct chrom from variant_universe order by chrom")
    if not chroms:
        return "The index is empty: load one with `varhouse load variants FILE`."
    if chrom not in chroms:
        return f"It has no variant on chromosome {chrom}; it has {', '.join(chroms)}."
    return f"It has none within {_NEARBY_BP} bp: is the position of the same genome build?"


def find_genes(con: duckdb.DuckDBPyConnection, text: str) -> list[Gene]:
    """Return the genes that an id (with or without version) or a symbol in any case names."""
    # upper() of SQL on both sides: it differs from Python's in letters such as ß
    rows = query_rows(
        con,
        "select gene_id, gene_name, chrom, biotype from genes where gene_id = gene_key($name) "
        "or upper($name) in (upper(gene_name), upper(gene_id)) order by gene_id",
        {"name": text.strip()},
    )
    return [Gene(*row) for row in rows]


def find_gene(con: duckdb.DuckDBPyConnection, text: str) -> Gene:
    """Return the one gene that ``text`` names.

    Raises
    ------
    DataError
        No gene of this name (says which are close), or several (lists their ids).
    """
    genes = find_genes(con, text)
    if len(genes) == 1:
        return genes[0]
    if genes:
        listed = ", ".join(f"{gene.gene_id} (chr{gene.chrom}, {gene.biotype})" for gene in genes)
        raise DataError(f"{text}: {len(genes)} genes have this symbol: {listed}. Give the id.")
    raise DataError(f"{text}: not in the gene index. {_similar_genes(con, text.strip())}")


def alleles_of(con: duckdb.DuckDBPyConnection, rsid: str) -> list[str]:
    """Return the loaded variants that have this rsID."""
    return query_column(
        con,
        "select distinct variant_id from variant_names where rsid = ? order by variant_id",
        [rsid.strip().lower()],
    )


def _find_rsid(con: duckdb.DuckDBPyConnection, rsid: str) -> list[str]:
    if found := alleles_of(con, rsid):
        return found
    near = query_column(
        con,
        "select rsid from variant_names where abs(length(rsid) - ?) <= 1 "
        "group by rsid having levenshtein(rsid, ?) <= ? "
        "order by levenshtein(rsid, ?), rsid limit ?",
        [len(rsid), rsid, _MAX_TYPOS, rsid, _N_SUGGESTIONS],
    )
    hint = (
        f"Similar: {', '.join(near)}."
        if near
        else "Try its position: chrom_pos_ref_alt, such as 16_53800954_T_C."
    )
    raise DataError(f"{rsid}: no loaded variant has this rsID. {hint}")


def _similar_genes(con: duckdb.DuckDBPyConnection, name: str) -> str:
    (n_genes,) = query_column(con, "select count(*) from genes")
    known = f"It has {n_genes:,} genes; load more with `varhouse load genes FILE`."
    if _GENE_ID.fullmatch(name):
        return known
    synonyms = query_rows(
        con,
        "select coalesce(gene_name, gene_id), gene_id from genes "
        "where list_contains(list_transform(synonyms, lambda word: upper(word)), upper(?)) "
        "order by gene_id limit ?",
        [name, _N_SUGGESTIONS],
    )
    if synonyms:
        return "It is a synonym of " + ", ".join(f"{one} ({two})" for one, two in synonyms) + "."
    near = query_column(
        con,
        "select gene_name from genes "
        "where levenshtein(upper(gene_name), upper($name)) <= $typos group by gene_name "
        "order by levenshtein(upper(gene_name), upper($name)), gene_name limit $n",
        {
            "name": name,
            "typos": min(_MAX_TYPOS, max(1, len(name) // 3)),
            "n": _N_SUGGESTIONS,
        },
    )
    if near:
        return f"Similar symbols: {', '.join(near)}."
    return known
