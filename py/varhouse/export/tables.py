"""A table or view as one file: parquet, TSV or CSV, as DuckDB writes them."""

from __future__ import annotations

import difflib
from pathlib import Path

import duckdb

from varhouse.errors import UsageError
from varhouse.file_formats import Format, file_format
from varhouse.output import whole_file
from varhouse.sql_text import quoted_name, text_literal
from varhouse.warehouse import build_hint

_FORMATS: dict[Format, str] = {
    "parquet": "format parquet, compression zstd",
    "tsv": "format csv, delimiter '\t', header",
    "csv": "format csv, header",
}
# What the readers of each dialect take for a missing value; elsewhere nothing is written.
_NULLS = {
    "as_regenie": "NA", "as_regenie_gene": "NA", "as_saige": "NA", "as_saige_gene": "NA",
    "as_plink2": "NA", "as_ssf": "#NA",
}  # fmt: skip
_AS_PREFIX = "as_"
# Dialects of sumstats without a column that tells traits apart.
_OF_ONE_TRAIT = frozenset({"as_regenie", "as_saige", "as_plink2", "as_ssf"})
# Rows of a dialect come along the genome, as the tools write and indexes want them: columns of the
# chromosome and the position, and what tells rows of one place apart.
_ALONG_GENOME = {
    "as_regenie": ("CHROM", "GENPOS", "ALLELE0", "ALLELE1", "TEST"),
    "as_saige": ("CHR", "POS", "Allele1", "Allele2"),
    "as_plink2": ("#CHROM", "POS", "REF", "ALT", "TEST"),
    "as_ssf": ("chromosome", "base_pair_location", "other_allele", "effect_allele"),
    "as_regenie_gene": ("CHROM", "GENPOS", "ID", "cell_type", "weight", "TEST"),
}
# Those without a chromosome, and results, come in the order of what they are about.
_SET = ("mask", "max_maf")
_IN_ORDER = {
    "rvat_donors": ("cell_type", "donor_id"),
    "rvat_burden": ("cell_type", "gene_id", "weight", "aggregation", *_SET),
    "rvat_skat": ("cell_type", "gene_id", "test", "weight", *_SET),
    "rvat_acat": ("cell_type", "gene_id", "aggregation", *_SET),
    "rvat_omnibus": ("cell_type", "gene_id"),
    "rvat_summary": ("cell_type", "test", "weight", *_SET),
    "rvat_warnings": ("code", "name"),
    "as_tensorqtl": ("phenotype_id", "start_distance", "variant_id"),
    "as_saige_gene": ("Region", "Group", "max_MAF", "cell_type", "weight"),
}
# What tells the rows of a dialect apart that become files of their own.
_TOLD_APART_BY = ("study_id", "trait_id", "gene_id")
_PERSONAL = frozenset({"donor_id", "donor_idx", "sample_id", "donors"})
# A row of it is about one donor too, whose number stands in another table.
_PERSONAL_TABLES = frozenset({("raw", "pseudobulk")})


def write_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    out: Path,
    *,
    study_id: str | None = None,
    trait: str | None = None,
    with_persons: bool = False,
) -> int:
    """Write all rows of a table or view: a dialect along the genome, others as they are stored.

    Rare-variant results come by cell type, gene and test.

    Parameters
    ----------
    con
        An open warehouse.
    name
        A table or view, with its schema or without: ``v2g_scores``, ``raw.qtl``.
    out
        The file; its name ends in .parquet, .tsv, .tsv.gz, .csv or .csv.gz.
    study_id
        Write the rows of this study only, for a table that has the column. A view named ``as_...``
        is written without that column, as one study.
    trait
        Write the rows of this trait only, a ``trait_id`` or ``gene_id``, for a table that has
        both columns. A view named ``as_...`` is written without them.
    with_persons
        Whether a table with rows about single persons may be written.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    UsageError
        No such table, study, trait or kind of file; rows about persons, and ``with_persons`` is
        not set; several studies, or traits of a study, in what has to be one.
    """
    written = _options_of(out)
    schema, table = _find(con, name)
    columns = _columns(con, schema, table)
    personal = not _PERSONAL.isdisjoint(columns) or (schema, table) in _PERSONAL_TABLES
    if personal and not with_persons:
        raise UsageError(
            f"{name} has rows about single persons; "
            "add --with-persons if they may leave the warehouse."
        )
    source = f"{quoted_name(schema)}.{quoted_name(table)}"
    is_dialect = table.startswith(_AS_PREFIX)
    of_sumstats = is_dialect and "study_id" in columns
    _require_columns(name, columns, study_id, trait, of_sumstats=of_sumstats)
    if of_sumstats:
        _require_one_study(con, source, name, study_id)
    condition = _condition(study_id, trait)
    if trait is not None:
        _require_trait(con, f"{source} {_condition(study_id, None)}", name, trait)
    if table in _OF_ONE_TRAIT:
        _require_one_trait(con, name, condition)
    told = [column for column in _TOLD_APART_BY if column in columns]
    chosen = f"* exclude ({', '.join(told)})" if of_sumstats else "*"
    text = f", nullstr {text_literal(_NULLS.get(table, ''))}" if "csv" in written else ""
    if is_dialect and "delimiter" in written:
        # no value has a tab, no tool reads quotes, and DuckDB would put them around #CHROM
        text += ", quote '', escape ''"
    ((before,),) = con.execute("select current_setting('preserve_insertion_order')").fetchall()
    con.execute("set preserve_insertion_order = true")
    try:
        with whole_file(out) as part:
            ((n_rows,),) = con.execute(
                f"copy (select {chosen} from {source} {condition} {_order_of(table, columns)}) "
                f"to {text_literal(str(part))} ({written}{text})"
            ).fetchall()
    finally:
        con.execute(f"set preserve_insertion_order = {before}")
    return int(n_rows)


def _options_of(out: Path) -> str:
    form, is_packed = file_format(out, known=_FORMATS)
    return _FORMATS[form] + (", compression gzip" if is_packed else "")


def _condition(study_id: str | None, trait: str | None) -> str:
    """Return the ``where`` that chooses a study and a trait; empty for all rows."""
    wanted = []
    if study_id is not None:
        wanted.append(f"study_id = {text_literal(study_id)}")
    if trait is not None:
        wanted.append(f"{text_literal(trait)} in (trait_id, gene_id)")
    return f"where {' and '.join(wanted)}" if wanted else ""


def _order_of(table: str, columns: list[str]) -> str:
    if table in _ALONG_GENOME:
        chrom, *others = (quoted_name(column) for column in _ALONG_GENOME[table])
        # numbers first; X, Y and MT where a tool has their names
        keys = [
            f"try_cast({chrom} as integer) nulls last",
            f"list_position(['X', 'Y', 'MT'], cast({chrom} as varchar))",
            *others,
        ]
    else:
        # a project of one's own may have other columns
        wanted = [column for column in _IN_ORDER.get(table, ()) if column in columns]
        keys = [quoted_name(column) for column in wanted]
    return f"order by {', '.join(keys)}" if keys else ""


def _find(con: duckdb.DuckDBPyConnection, name: str) -> tuple[str, str]:
    schema, _, table = name.rpartition(".")
    known = con.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = current_database() order by all"
    ).fetchall()
    wanted = (schema or "main", table)
    if wanted in known:
        return wanted
    names = [other if folder == "main" else f"{folder}.{other}" for folder, other in known]
    close = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {', '.join(close)}? " if close else ""
    raise UsageError(f"{name}: no such table or view in this warehouse. {hint}{build_hint(table)}")


def _columns(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    rows = con.execute(
        "select column_name from information_schema.columns "
        "where table_catalog = current_database() and table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    return [row[0] for row in rows]


def _require_columns(
    name: str, columns: list[str], study_id: str | None, trait: str | None, *, of_sumstats: bool
) -> None:
    """Refuse ``--study`` and ``--trait`` of a table that has no such thing."""
    hint = " An earlier varhouse made it; varhouse build makes it anew." if of_sumstats else ""
    for option, value, column in (("study", study_id, "study_id"), ("trait", trait, "trait_id")):
        if value is not None and column not in columns:
            raise UsageError(f"--{option} {value}: {name} has no column {column}.{hint}")


def _require_one_study(
    con: duckdb.DuckDBPyConnection, source: str, name: str, study_id: str | None
) -> None:
    studies = [
        row[0]
        for row in con.execute(f"select distinct study_id from {source} order by 1").fetchall()
    ]
    shown = ", ".join(studies[:5]) + (", ..." if len(studies) > 5 else "")
    if study_id is not None and study_id not in studies:
        raise UsageError(f"--study {study_id}: {name} has no such study; it has {shown or 'none'}.")
    if study_id is None and len(studies) > 1:
        raise UsageError(
            f"{name} holds {len(studies)} studies ({shown}), and a file of that format is of one: "
            "add --study ID."
        )


def _require_trait(con: duckdb.DuckDBPyConnection, rows: str, name: str, trait: str) -> None:
    """Refuse a trait that none of these rows has, ``rows`` being what stands after ``from``."""
    traits = [
        each
        for (each,) in con.execute(
            f"select distinct unnest([trait_id, gene_id]) as trait from {rows} order by 1"
        ).fetchall()
        if each is not None
    ]
    if trait in traits:
        return
    near = difflib.get_close_matches(trait, traits, n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    shown = ", ".join(traits[:5]) + (", ..." if len(traits) > 5 else "")
    raise UsageError(
        f"--trait {trait}: {name} has no such trait_id or gene_id; it has {shown or 'none'}.{hint}"
    )


def _require_one_trait(con: duckdb.DuckDBPyConnection, name: str, condition: str) -> None:
    found = con.execute(f"""
        select min(coalesce(trait_id, gene_id)), max(coalesce(trait_id, gene_id))
        from (select * from raw.sumstats {condition})
        where pos is not null
        group by variant_id, test
        having min(coalesce(trait_id, gene_id)) < max(coalesce(trait_id, gene_id))
        limit 1
    """).fetchone()
    if found:
        raise UsageError(
            f"{name}: a variant of the study has rows of several traits ({found[0]}, {found[1]}), "
            "which a file of that format cannot tell apart: add --trait ID. as_tensorqtl has a "
            "column for them."
        )
