"""Tables of scores: CADD, FAVOR, dbNSFP, and any with a variant's key and columns of numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.annotations import dbnsfp
from varhouse.ingest.annotations.alleles import site_of_id_sql
from varhouse.ingest.annotations.fields import field_select
from varhouse.ingest.annotations.rows import stage_annotations
from varhouse.ingest.annotations.values import (
    NO_PLACE,
    ROW_PLACE,
    is_unaligned_sql,
    rows_of_transcripts_sql,
    value_at_sql,
)
from varhouse.ingest.builds import known_build
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import missing_sql
from varhouse.ingest.reading import head_lines, is_row_labels, shown_names
from varhouse.ingest.staging import header_line_number, parquet_sql, stage_fields
from varhouse.sql_text import quoted_name

# Ours -> names in lower case, the one that wins first.
_KEYS = {
    "id": ("variant_id", "variant_vcf", "variant", "variantid", "snp", "markername"),
    "chrom": ("chrom", "chr", "chromosome"),
    "pos": ("pos", "position", "base_pair_location"),
    "ref": ("ref", "ref_vcf", "ref_allele", "reference"),
    "alt": ("alt", "alt_vcf", "alt_allele", "alternate"),
    "gene": ("gene_id", "geneid", "ensembl_gene_id", "ensembl_geneid", "gene"),
    "transcript": ("transcript_id", "ensembl_transcriptid", "transcript"),
}
_PLACE = ("chrom", "pos", "ref", "alt")
_FIELDS = {"gene": "Gene", "transcript": "Feature"}
_CADD = {"RawScore": "CADD_RAW", "PHRED": "CADD_PHRED"}
# One name for a score, whoever wrote it.
_NAMES = {"cadd_raw": "CADD_RAW", "cadd_phred": "CADD_PHRED"}
_CADD_BUILD = re.compile(r"^##\s*CADD\s+(GRCh\d+)")


class _Header(NamedTuple):
    """The line that names the columns, after any lines that begin with ``##``."""

    source: SourceFile
    line: int


def _header_of(source: SourceFile) -> _Header:
    if not source.header.startswith("##"):
        if not source.delimiter:
            return _Header(source, 0)
        first = source.columns[0].removeprefix("#").strip()
        columns = (first, *source.columns[1:])
        plain = SourceFile(source.path, source.header, columns, source.suffix, source.delimiter)
        return _Header(plain, header_line_number(source))
    for number, line in enumerate(head_lines(source.path), start=1):
        if line.strip() and not line.startswith("##"):
            delimiter = "\t" if "\t" in line else ","
            columns = tuple(name.strip() for name in line.removeprefix("#").split(delimiter))
            return _Header(SourceFile(source.path, line, columns, source.suffix, delimiter), number)
    return _Header(source, 0)


def _keys_of(columns: tuple[str, ...], keys: Mapping[str, Sequence[str]] = _KEYS) -> dict[str, str]:
    """Return our keys -> names of the columns that hold them."""
    known = {name.lower(): name for name in reversed(columns)}
    return {
        ours: next(known[name] for name in theirs if name in known)
        for ours, theirs in keys.items()
        if any(name in known for name in theirs)
    }


def _has_key(columns: tuple[str, ...]) -> bool:
    keys = _keys_of(columns)
    return "id" in keys or all(name in keys for name in _PLACE)


def _is_cadd(source: SourceFile) -> bool:
    return not source.binary and all(name in _header_of(source).source.columns for name in _CADD)


def _is_favor(source: SourceFile) -> bool:
    return "variant_vcf" in source.columns or {"ref_vcf", "alt_vcf"} <= set(source.columns)


def _is_dbnsfp(source: SourceFile) -> bool:
    return not source.binary and len(dbnsfp.builds_in(_header_of(source).source.columns)) > 0


def _is_table(source: SourceFile) -> bool:
    if source.binary or source.header.startswith(("##fileformat", "{")):
        return False
    columns = _header_of(source).source.columns
    is_vcf = {"QUAL", "FILTER", "INFO"} <= set(columns)
    is_other = _is_cadd(source) or _is_favor(source) or _is_dbnsfp(source)
    return _has_key(columns) and not (is_vcf or is_other)


def _stated_build(source: SourceFile) -> str | None:
    found = _CADD_BUILD.match(source.header)
    return known_build(found[1]) if found else None


def _build_of_dbnsfp(source: SourceFile) -> str | None:
    """Return the one build that the file has places on; None when it has them on both."""
    builds = dbnsfp.builds_in(_header_of(source).source.columns)
    return builds[0] if len(builds) == 1 else None


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    table = _header_of(source)
    columns = table.source.columns
    keys = _keys_of(columns)
    if not _has_key(columns):
        raise DataError(
            f"{source.path}: no column variant_id, nor chrom, pos, ref and alt; columns found: "
            f"{shown_names(columns)}."
        )
    _stage_scores(con, table, keys, [name for name in columns if name not in keys.values()])


def _stage_dbnsfp(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage a table of dbNSFP; its positions are those of the build that is asked for."""
    table = _header_of(source)
    columns = table.source.columns
    if options.build not in dbnsfp.builds_in(columns):
        wanted = [name for names in dbnsfp.place_keys(options.build).values() for name in names]
        raise DataError(
            f"{source.path}: dbNSFP's positions on {options.build} stand in the columns "
            f"{', '.join(wanted)}; columns found: {shown_names(columns)}."
        )
    of_transcripts = {name: (column,) for name, column in dbnsfp.FIELDS.items()}
    names = {name: _KEYS[name] for name in ("gene", "transcript")} | of_transcripts
    keys = _keys_of(columns, {**dbnsfp.place_keys(options.build), **names})
    others = [name for name in columns if dbnsfp.is_score(name) and name not in keys.values()]
    is_nowhere = f"{missing_sql(quoted_name(keys['pos']))} is null"
    fault = f"case when {is_nowhere} then 'place_not_in_build' end"
    _stage_scores(con, table, keys, others, fault=fault)


def _stage_scores(
    con: duckdb.DuckDBPyConnection,
    header: _Header,
    keys: dict[str, str],
    others: list[str],
    *,
    fault: str = "cast(null as varchar)",
) -> None:
    """Stage the columns of a table that are no keys; see `_KEYS` and `dbnsfp.FIELDS` for those."""
    source = header.source
    columns = source.columns
    scores = [name for name in others if not is_row_labels(name)]
    if len(scores) < len(others):
        con.execute(
            "insert into incoming_issues values (null, 'row_labels_left_out', null, ?, null)",
            [len(others) - len(scores)],
        )
    if not scores:
        raise DataError(
            f"{source.path}: no column besides the variant's key; at least one of numbers is "
            "needed."
        )
    wanted = [*keys.values(), *scores]
    if source.delimiter:
        fields = stage_fields(con, source, columns, wanted, header_line=header.line, comment="#")
        relation = f"(select line, {fields} from file_fields)"
    else:
        cast = ", ".join(f"cast({quoted_name(name)} as varchar) as {quoted_name(name)}"
                         for name in wanted)  # fmt: skip
        relation = f"(select file_row_number + 1 as line, {cast} from {parquet_sql(source)})"
    at = {ours: quoted_name(name) for ours, name in keys.items()}
    listed = {name: at[name] for name in (*_FIELDS, *dbnsfp.FIELDS) if name in at}
    typed = {_FIELDS.get(name, name): value_at_sql(name) for name in listed}
    if "Protein_position" in typed:
        # -1 of a splice site
        typed["Protein_position"] = f"nullif({typed['Protein_position']}, '-1')"
    if listed:
        relation = rows_of_transcripts_sql(relation, listed)
        _count_unknown_genes(con, relation, listed)
    stage_annotations(
        con,
        f"""
        select
            line,
            {"entry" if listed else 1} as entry,
            {fault} as fault,
            {at.get("id", "cast(null as varchar)")} as name,
            {_site_sql(at)} as site,
            cast(null as varchar) as place,
            {
            field_select(
                typed,
                scores={_score_name(name, columns): quoted_name(name) for name in scores},
                value_place=ROW_PLACE if listed else NO_PLACE,
            )
        }
        from {relation}
        """,
        alleles="vcf",
        separators=";",
    )


def _count_unknown_genes(
    con: duckdb.DuckDBPyConnection, relation: str, listed: Mapping[str, str]
) -> None:
    """Count the lines whose list of genes is not that of their transcripts."""
    if {"gene", "transcript"} <= listed.keys():
        con.execute(
            "insert into incoming_issues select min(line), 'gene_of_transcript_unknown', null, "
            f"count(*), null from {relation} where entry = 1 and {is_unaligned_sql('gene')} "
            "having count(*) > 0"
        )


def _site_sql(at: dict[str, str]) -> str:
    if not all(name in at for name in _PLACE):
        return site_of_id_sql(at["id"])
    return (
        f"struct_pack(chrom := {at['chrom']}, pos := {at['pos']}, ref := upper({at['ref']}), "
        f"alts := [upper({at['alt']})])"
    )


def _score_name(name: str, columns: tuple[str, ...]) -> str:
    """Return the name under which a column's scores are kept."""
    renamed = _NAMES.get(name.lower(), name)
    if all(cadd in columns for cadd in _CADD):
        renamed = _CADD.get(name, renamed)
    return name if renamed in columns else renamed


FORMATS: tuple[Format, ...] = (
    Format(
        name="cadd",
        table="raw.annotations",
        matches=_is_cadd,
        stage=_stage,
        wants="CADD's table: #Chrom, Pos, Ref, Alt, RawScore, PHRED",
        stated_build=_stated_build,
    ),
    Format(
        name="favor",
        table="raw.annotations",
        matches=_is_favor,
        stage=_stage,
        genome_build="GRCh38",
        wants="FAVOR's table: variant_vcf, or chromosome, position, ref_vcf, alt_vcf",
    ),
    Format(
        name="dbnsfp",
        table="raw.annotations",
        matches=_is_dbnsfp,
        stage=_stage_dbnsfp,
        wants="dbNSFP's table: #chr, pos(1-based), ref, alt (GRCh38); hg19_chr, hg19_pos(1-based) "
        "for GRCh37; Ensembl_geneid and Ensembl_transcriptid; and scores",
        stated_build=_build_of_dbnsfp,
    ),
    Format(
        name="score-table",
        table="raw.annotations",
        matches=_is_table,
        stage=_stage,
        wants="variant_id, or chrom, pos, ref and alt; gene_id if need be; and columns of numbers",
    ),
)
