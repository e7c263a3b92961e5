"""VCF whose INFO column holds the annotations: CSQ or vep (VEP), ANN (SnpEff, or VEP by request).

Genotypes in the file are passed over; only the first eight columns are split.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.annotations.fields import field_select
from varhouse.ingest.annotations.rows import stage_annotations
from varhouse.ingest.annotations.vep_text import build_in_header
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.genotypes.header import build_of_header
from varhouse.ingest.keys import missing_sql
from varhouse.ingest.reading import head_lines, shown_names
from varhouse.ingest.records import lines_sql

_TAGS = ("CSQ", "vep", "ANN")
_N_COLUMNS = 8
_DECLARED = re.compile(r'^##INFO=<ID=(\w+),.*?Description="(.*)"')
_FIELD_LIST = re.compile(r"(?:Format:|')\s*([^']*\|[^']*?)'?\s*$")


class _Layout(NamedTuple):
    """How the annotations of a VCF are written."""

    tag: str
    fields: tuple[str, ...]
    is_snpeff: bool


def _is_vcf(source: SourceFile) -> bool:
    return source.header.startswith("##fileformat=VCF")


def _stated_build(source: SourceFile) -> str | None:
    """Return the build that VEP's header names, or that the contigs tell."""
    return build_in_header(source) or build_of_header(head_lines(source.path))


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    layout = _layout_of(source, options)
    columns = rf"regexp_extract(raw, '^(?:[^\t]*\t){{0,{_N_COLUMNS - 1}}}[^\t]*')"
    value = rf"regexp_extract(columns[{_N_COLUMNS}], '(?:^|;){layout.tag}=([^;]*)', 1)"
    con.execute(f"""
        create or replace temp table file_fields as
        with records as (
            select line, string_split({columns}, chr(9)) as columns
            from {lines_sql(source)}
            where not starts_with(raw, '#') and trim(raw) <> ''
        )
        select line, columns[1:5] as columns, len(columns) as n_columns, {value} as value
        from records
    """)
    _refuse_ragged(con, source)
    names = {name: f"cells[{place}]" for place, name in enumerate(layout.fields, start=1)}
    place = next((n for n, name in enumerate(layout.fields, 1) if name.lower() == "allele"), 1)
    rows = f"""
        with entries as (
            select
                * exclude (value),
                case when contains(columns[5], ',') then list_transform(
                    string_split(value, ','),
                    lambda each: upper(trim(string_split(each, '|')[{place}]))
                ) end as seen,
                unnest(string_split(value, ',')) as entry_text,
                generate_subscripts(string_split(value, ','), 1) as entry
            from file_fields
        ),
        split as (
            select *, list_transform(string_split(entry_text, '|'), lambda cell: trim(cell))
                as cells
            from entries
        )
        select
            line,
            entry,
            case
                when entry_text = '' then 'annotation_missing'
                when len(cells) <> {len(layout.fields)} then 'annotation_ragged'
            end as fault,
            {missing_sql("columns[3]")} as name,
            struct_pack(
                chrom := columns[1], pos := columns[2], ref := upper(columns[4]),
                alts := string_split(upper(columns[5]), ',')
            ) as site,
            cast(null as varchar) as place,
            seen,
            {field_select(names)}
        from split
    """
    stage_annotations(con, rows, alleles="vcf" if layout.is_snpeff else "vep")
    ragged = con.execute(
        "select line from incoming where reject = 'annotation_ragged' order by line limit 1"
    ).fetchone()
    if ragged:
        raise DataError(
            f"{source.path}, line {ragged[0]}: an entry of INFO/{layout.tag} has not the "
            f"{len(layout.fields)} fields that the header declares. Give the right ones with "
            "--csq-fields, or write the file anew."
        )


def _refuse_ragged(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    row = con.execute(
        "select line, n_columns from file_fields where n_columns < ? order by line limit 1",
        [_N_COLUMNS],
    ).fetchone()
    if row:
        raise DataError(
            f"{source.path}, line {row[0]}: {row[1]} columns found, at least {_N_COLUMNS} "
            "expected. Is the file cut short?"
        )


def _layout_of(source: SourceFile, options: LoadOptions) -> _Layout:
    declared = {
        found[1]: found[2]
        for line in head_lines(source.path)
        if line.startswith("##INFO") and (found := _DECLARED.match(line))
    }
    tag = next((tag for tag in _TAGS if tag in declared), None)
    if options.csq_fields:
        return _layout(source, tag or "CSQ", options.csq_fields)
    if tag and "BCFtools/csq" in declared[tag]:
        raise DataError(
            f"{source.path}: INFO/{tag} is of bcftools csq, which names neither alleles nor gene "
            "ids; annotations of VEP and SnpEff can be read."
        )
    found = _FIELD_LIST.search(declared[tag]) if tag else None
    if tag is None or found is None:
        what = f"INFO/{tag} is declared without its fields" if tag else "INFO/CSQ not declared"
        raise DataError(
            f"{source.path}: {what} (nor are {' and '.join(_TAGS[1:])}); a line ##INFO=<ID=CSQ,"
            '...,Description="... Format: Allele|Consequence|..."> was expected. Give the names '
            "of the fields with --csq-fields."
        )
    return _layout(source, tag, found[1])


def _layout(source: SourceFile, tag: str, field_list: str) -> _Layout:
    fields = tuple(name.strip() for name in field_list.split("|"))
    known = {name.lower() for name in fields}
    if not known.isdisjoint({"consequence", "annotation"}) and known.isdisjoint(
        {"gene", "gene_id"}
    ):
        raise DataError(
            f"{source.path}: INFO/{tag} has consequences, but no field Gene to say for which gene; "
            f"fields found: {shown_names(fields)}. Name Gene in VEP's --fields."
        )
    return _Layout(tag, fields, is_snpeff="Annotation_Impact" in fields)


FORMATS: tuple[Format, ...] = (
    Format(
        name="annotated-vcf",
        table="raw.annotations",
        matches=_is_vcf,
        stage=_stage,
        wants="a VCF with INFO/CSQ or vep (VEP), or ANN (SnpEff), declared in its header",
        stated_build=_stated_build,
    ),
)
