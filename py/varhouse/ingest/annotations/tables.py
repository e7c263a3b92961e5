"""Tables of scores: CADD, FAVOR, and any with a variant's key and columns of numbers."""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.annotations.alleles import site_of_id_sql
from varhouse.ingest.annotations.fields import field_select
from varhouse.ingest.annotations.rows import stage_annotations
from varhouse.ingest.builds import known_build
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.reading import head_lines, is_row_labels, shown_names
from varhouse.ingest.staging import header_line_number, parquet_sql, quoted_name, stage_fields

# Ours -> names in lower case, the one that wins first.
_KEYS = {
    "id": ("variant_id", "variant_vcf", "variant", "variantid", "snp", "markername"),
    "chrom": ("chrom", "chr", "chromosome"),
    "pos": ("pos", "position", "base_pair_location"),
    "ref": ("ref", "ref_vcf", "ref_allele", "reference"),
    "alt": ("alt", "alt_vcf", "alt_allele", "alternate"),
    "gene": ("gene_id", "geneid", "ensembl_gene_id", "gene"),
    "transcript": ("transcript_id", "transcript"),
}
_PLACE = ("chrom", "pos", "ref", "alt")
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


def _keys_of(columns: tuple[str, ...]) -> dict[str, str]:
    """Return our keys -> names of the columns that hold them."""
    known = {name.lower(): name for name in reversed(columns)}
    return {
        ours: next(known[name] for name in theirs if name in known)
        for ours, theirs in _KEYS.items()
        if any(name in known for name in theirs)
    }


def _has_key(columns: tuple[str, ...]) -> bool:
    keys = _keys_of(columns)
    return "id" in keys or all(name in keys for name in _PLACE)


def _is_cadd(source: SourceFile) -> bool:
    return not source.binary and all(name in _header_of(source).source.columns for name in _CADD)


def _is_favor(source: SourceFile) -> bool:
    return "variant_vcf" in source.columns or {"ref_vcf", "alt_vcf"} <= set(source.columns)


def _is_table(source: SourceFile) -> bool:
    if source.binary or source.header.startswith(("##fileformat", "{")):
        return False
    columns = _header_of(source).source.columns
    is_vcf = {"QUAL", "FILTER", "INFO"} <= set(columns)
    return _has_key(columns) and not (is_vcf or _is_cadd(source) or _is_favor(source))


def _stated_build(source: SourceFile) -> str | None:
    found = _CADD_BUILD.match(source.header)
    return known_build(found[1]) if found else None


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    table, header_line = _header_of(source)
    columns = table.columns
    keys = _keys_of(columns)
    if not _has_key(columns):
        raise DataError(
            f"{source.path}: no column variant_id, nor chrom, pos, ref and alt; columns found: "
            f"{shown_names(columns)}."
        )
    others = [name for name in columns if name not in keys.values()]
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
    if table.delimiter:
        fields = stage_fields(con, table, columns, wanted, header_line=header_line, comment="#")
        relation = f"(select line, {fields} from file_fields)"
    else:
        cast = ", ".join(f"cast({quoted_name(name)} as varchar) as {quoted_name(name)}"
                         for name in wanted)  # fmt: skip
        relation = f"(select file_row_number + 1 as line, {cast} from {parquet_sql(source)})"
    at = {ours: quoted_name(name) for ours, name in keys.items()}
    typed = {"Gene": at.get("gene"), "Feature": at.get("transcript")}
    stage_annotations(
        con,
        f"""
        select
            line,
            1 as entry,
            cast(null as varchar) as fault,
            {at.get("id", "cast(null as varchar)")} as name,
            {_site_sql(at)} as site,
            cast(null as varchar) as place,
            {
            field_select(
                {name: column for name, column in typed.items() if column},
                scores={_score_name(name, columns): quoted_name(name) for name in scores},
            )
        }
        from {relation}
        """,
        alleles="vcf",
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
        name="score-table",
        table="raw.annotations",
        matches=_is_table,
        stage=_stage,
        wants="variant_id, or chrom, pos, ref and alt; gene_id if need be; and columns of numbers",
    ),
)
