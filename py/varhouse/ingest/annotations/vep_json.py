"""VEP's JSON output: an object a line, with lists of consequences by type of feature."""

from __future__ import annotations

import json

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.annotations.alleles import (
    checked_site_sql,
    site_of_id_sql,
    site_of_place_sql,
    site_of_vcf_sql,
)
from varhouse.ingest.annotations.fields import field_select
from varhouse.ingest.annotations.rows import stage_annotations
from varhouse.ingest.builds import known_build
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.staging import stage_lines
from varhouse.sql_text import text_literal

# List of the object -> what its rows are about, as the other outputs of VEP say it.
_LISTS = {
    "transcript_consequences": "Transcript",
    "regulatory_feature_consequences": "RegulatoryFeature",
    "motif_feature_consequences": "MotifFeature",
    "intergenic_consequences": None,
}
# Key -> VEP's column; the others are columns in lower case.
_COLUMNS = {
    "gene_id": "Gene",
    "gene_symbol": "SYMBOL",
    "protein_id": "ENSP",
    "hgvsc": "HGVSc",
    "hgvsp": "HGVSp",
    "variant_allele": "Allele",
    "polyphen": "PolyPhen",
}
# Keys that are read together with others, or say the same as a column that is no score.
_SPECIAL = frozenset(
    {"consequence_terms", "sift_prediction", "sift_score", "polyphen_prediction", "polyphen_score",
     "protein_start", "protein_end", "cdna_start", "cdna_end", "cds_start", "cds_end",
     "gene_symbol_source", "transcript_id", "regulatory_feature_id", "motif_feature_id"}
)  # fmt: skip


def _is_json(source: SourceFile) -> bool:
    return source.header.lstrip().startswith("{")


def _build_in_json(source: SourceFile) -> str | None:
    try:
        first = json.loads(source.header)
    except json.JSONDecodeError:
        # the line is refused with its number when it is staged
        return None
    name = first.get("assembly_name") if isinstance(first, dict) else None
    return known_build(name) if isinstance(name, str) else None


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    stage_lines(con, source)
    bad = con.execute("select min(line) from file_lines where not json_valid(content)").fetchone()
    if bad and bad[0] is not None:
        raise DataError(
            f"{source.path}, line {bad[0]}: not a whole JSON object. VEP writes one on each line; "
            "is the file cut short, or was it laid out anew (jq -c undoes that)?"
        )
    lists = ", ".join(
        f"case when json_type(content, '$.{name}') = 'ARRAY' then list_transform("
        f"cast(content -> '$.{name}[*]' as json[]), lambda each: struct_pack("
        f"kind := {text_literal(kind) if kind else 'cast(null as varchar)'}, content := each)) "
        "else [] end"
        for name, kind in _LISTS.items()
    )
    con.execute(f"""
        create or replace temp table file_fields as
        with found as (
            select line, content, flatten([{lists}]) as consequences
            from file_lines
        ),
        filled as (
            select
                * exclude (consequences),
                -- one row that says nothing, so that the variant is counted
                case
                    when len(consequences) > 0 then consequences
                    else [struct_pack(kind := null, content := cast('{{}}' as json))]
                end as consequences
            from found
        )
        select
            line,
            content ->> '$.id' as name,
            string_split(content ->> '$.input', chr(9)) as vcf_fields,
            (content ->> '$.seq_region_name') || ':' || (content ->> '$.start')
                || coalesce('-' || (content ->> '$.end'), '') as place,
            -- alleles of the other strand are not those of the reference
            case when content ->> '$.strand' = '1' then nullif(
                regexp_extract(content ->> '$.allele_string', '^([^/]+)/', 1), ''
            ) end as reference,
            content ->> '$.assembly_name' as assembly_name,
            case when regexp_matches(content ->> '$.allele_string', '/.+/') then list_transform(
                consequences, lambda each: upper(each.content ->> '$.variant_allele')
            ) end as seen,
            unnest(consequences) as consequence,
            generate_subscripts(consequences, 1) as entry
        from filled
    """)
    con.execute("drop table file_lines")
    _check_assembly(con, source, options)
    stage_annotations(
        con,
        f"""
        select
            line,
            entry,
            case when {_value("consequence_terms")} is null then 'consequence_terms_missing' end
                as fault,
            name,
            coalesce(
                {site_of_vcf_sql("vcf_fields")},
                {checked_site_sql("site_of_name", "name", "place")},
                {site_of_place_sql("place", "reference", _value("variant_allele"))}
            ) as site,
            {_ordered_place_sql()} as place,
            seen,
            {field_select(_columns(con))}
        from (select *, {site_of_id_sql("name")} as site_of_name from file_fields)
        """,
    )


def _ordered_place_sql() -> str:
    """Return the location as the other outputs write it: an insertion starts after its end."""
    start = "try_cast(regexp_extract(place, ':([0-9]+)-([0-9]+)$', 1) as bigint)"
    end = "try_cast(regexp_extract(place, ':([0-9]+)-([0-9]+)$', 2) as bigint)"
    return (
        f"case when {start} > {end} "
        f"then split_part(place, ':', 1) || ':' || {end} || '-' || {start} else place end"
    )


def _value(key: str) -> str:
    path = text_literal(f'$."{key}"')
    return f"(consequence.content ->> {path})"


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    keys = {
        row[0]
        for row in con.execute(
            "select distinct unnest(json_keys(consequence.content)) from file_fields"
        ).fetchall()
    }
    plain = {
        _COLUMNS.get(key, key.upper()): _value(key)
        for key in sorted(keys - _SPECIAL)
        if '"' not in key
    }
    # what a plugin says in an object of its own: spliceai.DS_AG is SPLICEAI_DS_AG
    nested = con.execute(
        "with objects as (select consequence.content -> key as content, key from ("
        "select consequence, unnest(json_keys(consequence.content)) as key from file_fields)) "
        "select distinct key, unnest(json_keys(content)) as inner_key from objects "
        "where json_type(content) = 'OBJECT' order by all"
    ).fetchall()
    for key, inner in nested:
        if '"' not in key + inner:
            path = text_literal(f'$."{key}"."{inner}"')
            plain[f"{key}_{inner}".upper()] = f"(consequence.content ->> {path})"
    features = ("transcript_id", "regulatory_feature_id", "motif_feature_id")
    ends = [f"split_part({_value(f'protein_{end}')}, '/', 1)" for end in ("start", "end")]
    return plain | {
        "Feature": f"coalesce({', '.join(_value(key) for key in features)})",
        "Feature_type": "consequence.kind",
        "Consequence": "array_to_string(consequence.content ->> '$.consequence_terms[*]', ',')",
        "Protein_position": f"concat_ws('-', {', '.join(ends)})",
        "SIFT": _prediction("sift"),
        "PolyPhen": _prediction("polyphen"),
    }


def _prediction(name: str) -> str:
    word, number = _value(f"{name}_prediction"), _value(f"{name}_score")
    return f"nullif(concat({word}, '(' || {number} || ')'), '')"


def _check_assembly(
    con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    for line, name in con.execute(
        "select min(line), assembly_name from file_fields where assembly_name is not null "
        "group by assembly_name order by min(line)"
    ).fetchall():
        if known_build(name) != options.build:
            raise DataError(
                f"{source.path}, line {line}: assembly_name {name}, but the file is loaded as "
                f"{options.build}."
            )


FORMATS: tuple[Format, ...] = (
    Format(
        name="vep-json",
        table="raw.annotations",
        matches=_is_json,
        stage=_stage,
        wants="output of vep --json: an object a line with transcript_consequences",
        stated_build=_build_in_json,
    ),
)
