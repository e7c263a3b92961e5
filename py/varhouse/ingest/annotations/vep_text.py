"""VEP's tab-separated output (``--tab``) and its default output (last column ``Extra``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.annotations.alleles import (
    checked_site_sql,
    reference_of_uploaded_sql,
    site_of_id_sql,
    site_of_place_sql,
)
from varhouse.ingest.annotations.fields import field_select
from varhouse.ingest.annotations.rows import stage_annotations
from varhouse.ingest.builds import known_build
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import missing_sql
from varhouse.ingest.reading import head_lines
from varhouse.ingest.staging import missing_columns, stage_fields
from varhouse.sql_text import quoted_name, text_literal

_FIRST_COLUMN = "Uploaded_variation"
_NEEDED = ("Uploaded_variation", "Location", "Allele", "Gene", "Feature", "Feature_type",
           "Consequence")  # fmt: skip
# Columns that some options of VEP add and from which the reference allele can be told.
_REFERENCE_COLUMNS = ("USED_REF", "REF_ALLELE", "GIVEN_REF")
_ASSEMBLY = re.compile(r"(?:assembly version |assembly=\"?)(GRCh\d+)")
_MAX_EXTRA_KEYS = 2000
_SEVERAL_ALTS = r"(?i)[ACGTN][,_/:-][ACGTN*]+[,_/][ACGTN*]+"


def build_in_header(source: SourceFile) -> str | None:
    """Return the build that a ``##`` line of VEP names, or None."""
    for line in head_lines(source.path):
        if not line.startswith("##"):
            break
        found = _ASSEMBLY.search(line)
        if found:
            return known_build(found[1])
    return None


def _column_line(path: Path) -> tuple[int, tuple[str, ...]] | None:
    """Return the number of the ``#Uploaded_variation`` line and its columns, if there is one."""
    for number, line in enumerate(head_lines(path), start=1):
        if line.startswith(f"#{_FIRST_COLUMN}"):
            return number, tuple(line[1:].split("\t"))
        if line.strip() and not line.startswith("#"):
            return None
    return None


def _columns_of(source: SourceFile) -> tuple[str, ...]:
    if not source.header.startswith("#"):
        return ()
    found = _column_line(source.path)
    return found[1] if found else ()


def _is_default(source: SourceFile) -> bool:
    return "Extra" in _columns_of(source)


def _is_tab(source: SourceFile) -> bool:
    columns = _columns_of(source)
    return bool(columns) and "Extra" not in columns


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    found = _column_line(source.path)
    if found is None:
        raise DataError(
            f"{source.path}: no line beginning with #{_FIRST_COLUMN}; is it VEP's tab or default "
            "output with its header?"
        )
    line_number, names = found
    tabbed = SourceFile(source.path, source.header, names, source.suffix, "\t")
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise missing_columns(tabbed, missing)
    fields = stage_fields(con, tabbed, names, names, header_line=line_number, comment="#")
    columns = {name: quoted_name(name) for name in names}
    relation = f"(select line, {fields} from file_fields)"
    if "Extra" in names:
        columns |= _stage_extra(con, source, relation)
        relation = "extra_fields"
    sites = _join_of_sites(con, relation)
    stage_annotations(
        con,
        f"""
        select
            line,
            1 as entry,
            cast(null as varchar) as fault,
            "Uploaded_variation" as name,
            coalesce(
                {checked_site_sql("site_of_name", '"Uploaded_variation"', '"Location"')},
                {site_of_place_sql('"Location"', _reference_sql(columns), '"Allele"')}
            ) as site,
            "Location" as place,
            {"seen" if sites else "cast(null as varchar[])"} as seen,
            {field_select(columns)}
        from (
            select *, {site_of_id_sql('"Uploaded_variation"')} as site_of_name
            from {relation}
        )
        {sites}
        """,
    )
    con.execute("drop table if exists temp.extra_fields")
    con.execute("drop table temp.file_sites")


def _join_of_sites(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Create ``file_sites``: ids of several ALTs, with the alleles ``seen`` in all rows of each.

    Returns the join that adds ``seen``, empty where there are none, as that join costs.
    """
    con.execute(f"""
        create or replace temp table file_sites as
        select "Uploaded_variation" as site_name, list(distinct upper("Allele")) as seen
        from {relation}
        where regexp_matches("Uploaded_variation", {text_literal(_SEVERAL_ALTS)})
        group by all
    """)
    if con.execute("select 1 from file_sites limit 1").fetchone() is None:
        return ""
    return 'left join file_sites on "Uploaded_variation" = site_name'


def _stage_extra(
    con: duckdb.DuckDBPyConnection, source: SourceFile, relation: str
) -> Mapping[str, str]:
    """Create ``extra_fields`` with the map ``extra_map``; return where each of its keys is."""
    key = "split_part(pair, '=', 1)"
    con.execute(f"""
        create or replace temp table extra_fields as
        with pairs as (
            select
                *,
                list_filter(
                    string_split("Extra", ';'), lambda pair: contains(pair, '=')
                ) as extra_pairs
            from {relation}
        )
        select
            * exclude (extra_pairs),
            len(extra_pairs) > len(list_distinct(
                list_transform(extra_pairs, lambda pair: {key})
            )) as is_repeated,
            case when not is_repeated then map_from_entries(list_transform(
                extra_pairs,
                lambda pair: struct_pack(
                    name := {key}, cell := pair[length({key}) + 2:]
                )
            )) end as extra_map
        from pairs
    """)
    repeated = con.execute("select min(line) from extra_fields where is_repeated").fetchone()
    if repeated and repeated[0] is not None:
        raise DataError(
            f"{source.path}, line {repeated[0]}: a key stands in Extra twice; once was expected."
        )
    keys = [
        row[0]
        for row in con.execute(
            "select distinct unnest(map_keys(extra_map)) as name from extra_fields order by name"
        ).fetchall()
    ]
    if len(keys) > _MAX_EXTRA_KEYS:
        raise DataError(
            f"{source.path}: {len(keys)} different keys in Extra; at most {_MAX_EXTRA_KEYS} can "
            "be. Is it VEP's default output?"
        )
    return {name: f"extra_map[{text_literal(name)}]" for name in keys}


def _reference_sql(columns: Mapping[str, str]) -> str:
    given = [missing_sql(columns[name]) for name in _REFERENCE_COLUMNS if name in columns]
    if "UPLOADED_ALLELE" in columns:
        given.append(reference_of_uploaded_sql(columns["UPLOADED_ALLELE"], '"Allele"'))
    return f"coalesce({', '.join([*given, 'cast(null as varchar)'])})"


FORMATS: tuple[Format, ...] = (
    Format(
        name="vep-tab",
        table="raw.annotations",
        matches=_is_tab,
        stage=_stage,
        wants="output of vep --tab: a line #" + ", ".join(_NEEDED) + ", ...",
        stated_build=build_in_header,
    ),
    Format(
        name="vep-default",
        table="raw.annotations",
        matches=_is_default,
        stage=_stage,
        wants="VEP's default output: a line #" + ", ".join(_NEEDED) + ", ..., Extra",
        stated_build=build_in_header,
    ),
)
