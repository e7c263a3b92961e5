"""Ensembl VEP output: which consequence a variant has for which gene and transcript."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.builds import known_build
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.gene_lookup import report_unknown_genes
from varhouse.ingest.keys import (
    VARIANT_PATTERN,
    allele_sql,
    chrom_sql,
    gene_id_sql,
    integer_sql,
    missing_sql,
    text_literal,
    variant_id_sql,
)
from varhouse.ingest.reading import head_lines, missing_columns, stage_fields, stage_lines

_FIRST_COLUMN = "Uploaded_variation"
_NEEDED = ("Uploaded_variation", "Location", "Allele", "Gene", "Feature", "Feature_type",
           "Consequence")  # fmt: skip
# Columns that some options of VEP add and from which the reference allele can be told.
_REFERENCE_COLUMNS = ("USED_REF", "REF_ALLELE", "GIVEN_REF")
_OPTIONAL = (*_REFERENCE_COLUMNS, "UPLOADED_ALLELE", "IMPACT", "Extra")
_ASSEMBLY = re.compile(r"(?:assembly version |assembly=\"?)(GRCh\d+)")


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


def _is_json(source: SourceFile) -> bool:
    return source.header.lstrip().startswith("{")


def _build_in_header(source: SourceFile) -> str | None:
    for line in head_lines(source.path):
        if not line.startswith("##"):
            break
        found = _ASSEMBLY.search(line)
        if found:
            return known_build(found[1])
    return None


def _build_in_json(source: SourceFile) -> str | None:
    try:
        first = json.loads(source.header)
    except json.JSONDecodeError:
        # the line is refused with its number when it is staged
        return None
    name = first.get("assembly_name") if isinstance(first, dict) else None
    return known_build(name) if isinstance(name, str) else None


def _stage_text(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    found = _column_line(source.path)
    if found is None:
        raise DataError(
            f"{source.path}: no line beginning with #{_FIRST_COLUMN}; is it VEP's tab or default "
            "output with its header?"
        )
    line_number, columns = found
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        named = SourceFile(source.path, source.header, columns, source.suffix, "\t")
        raise missing_columns(named, missing)
    tabbed = SourceFile(source.path, source.header, columns, source.suffix, "\t")
    wanted = [name for name in (*_NEEDED, *_OPTIONAL) if name in columns]
    fields = stage_fields(con, tabbed, columns, wanted, header_line=line_number, comment="#")
    _stage_rows(
        con,
        f"""
        select
            line,
            "Uploaded_variation" as id_text,
            "Location" as location_text,
            "Allele" as allele_text,
            {_reference_sql(columns)} as reference_text,
            "Gene" as gene_text,
            "Feature" as transcript_text,
            "Feature_type" as feature_type,
            "Consequence" as consequence_text,
            {_attribute_sql(columns, "IMPACT")} as impact_text,
            cast(null as varchar) as vcf_text
        from (select line, {fields} from file_fields)
        """,
    )


def _attribute_sql(columns: tuple[str, ...], name: str) -> str:
    if name in columns:
        return f'"{name}"'
    if "Extra" in columns:
        return rf"""nullif(regexp_extract("Extra", '(?:^|;){name}=([^;]*)', 1), '')"""
    return "cast(null as varchar)"


def _reference_sql(columns: tuple[str, ...]) -> str:
    given = [missing_sql(_attribute_sql(columns, name)) for name in _REFERENCE_COLUMNS]
    uploaded = _attribute_sql(columns, "UPLOADED_ALLELE")
    first = f"nullif(regexp_extract({uploaded}, '^([^/]+)/', 1), '')"
    return f"coalesce({', '.join(given)}, {first})"


def _stage_json(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    stage_lines(con, source)
    bad = con.execute("select min(line) from file_lines where not json_valid(content)").fetchone()
    if bad and bad[0] is not None:
        raise DataError(
            f"{source.path}, line {bad[0]}: not a whole JSON object; is the file cut short?"
        )
    con.execute("""
        create or replace temp table file_fields as
        select
            line,
            content ->> '$.id' as id_text,
            content ->> '$.input' as vcf_text,
            (content ->> '$.seq_region_name') || ':' || (content ->> '$.start') as location_text,
            -- alleles of the other strand are not those of the reference
            case when content ->> '$.strand' = '1' then content ->> '$.allele_string' end
                as allele_string,
            content ->> '$.assembly_name' as assembly_name,
            unnest(case
                when json_type(content, '$.transcript_consequences') = 'ARRAY'
                    and json_array_length(content, '$.transcript_consequences') > 0
                    then cast(content -> '$.transcript_consequences[*]' as json[])
                -- one row that names no gene, so that the variant is counted
                else [cast('{}' as json)]
            end) as consequence
        from file_lines
    """)
    con.execute("drop table file_lines")
    _check_assembly(con, source, options)
    _stage_rows(
        con,
        """
        select
            line,
            id_text,
            location_text,
            consequence ->> '$.variant_allele' as allele_text,
            nullif(regexp_extract(allele_string, '^([^/]+)/', 1), '') as reference_text,
            consequence ->> '$.gene_id' as gene_text,
            consequence ->> '$.transcript_id' as transcript_text,
            'Transcript' as feature_type,
            array_to_string(consequence ->> '$.consequence_terms[*]', ',') as consequence_text,
            consequence ->> '$.impact' as impact_text,
            vcf_text
        from file_fields
        """,
    )


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


def _picked_alt_sql(ref: str, alts: str, allele: str) -> str:
    """Return the ALT that VEP's allele stands for.

    VEP takes the first base off all alleles when they share it; nothing left is ``-``.
    """
    trimmed = (
        f"list_filter({alts}, lambda alt: left(alt, 1) = left({ref}, 1) "
        f"and coalesce(nullif(alt[2:], ''), '-') = upper({allele}))"
    )
    whole = f"list_filter({alts}, lambda alt: alt = upper({allele}))"
    return f"coalesce({whole}[1], {trimmed}[1])"


def _stage_rows(con: duckdb.DuckDBPyConnection, rows: str) -> None:
    # chrom_pos_ref_alt, and with it the ids of sites with several ALTs: chrom_pos_ref_alt1_alt2
    alt = f"""case
        when len(site.alts) = 1 then site.alts[1]
        else {_picked_alt_sql("site.ref", "site.alts", "allele_text")}
    end"""
    terms = f"regexp_replace({missing_sql('consequence_text')}, '\\s', '', 'g')"
    several = VARIANT_PATTERN.removesuffix(r"(?:_b3[78])?$") + r"((?:[_,/][ACGTN*]+)*)(?:_b3[78])?$"
    con.execute(f"""
        create temp table incoming as
        with given as ({rows}),
        parsed as (
            select
                *,
                regexp_extract(
                    trim(id_text), {text_literal(several)}, ['chrom', 'pos', 'ref', 'alt', 'more']
                ) as id_parts,
                string_split(vcf_text, chr(9)) as vcf_parts,
                string_split(location_text, ':') as location_parts,
                {missing_sql("gene_text")} as gene_given
            from given
        ),
        alleles as (
            select
                *,
                case
                    when id_parts.pos <> '' then struct_pack(
                        chrom := id_parts.chrom, pos := id_parts.pos, ref := upper(id_parts.ref),
                        alts := list_filter(
                            string_split_regex(
                                upper(id_parts.alt) || upper(id_parts.more), '[_,/]'
                            ),
                            lambda alt: alt <> ''
                        )
                    )
                    when len(vcf_parts) >= 5 and regexp_full_match(upper(vcf_parts[4]), '[ACGTN]+')
                        then struct_pack(
                        chrom := vcf_parts[1], pos := vcf_parts[2], ref := upper(vcf_parts[4]),
                        alts := string_split(upper(vcf_parts[5]), ',')
                    )
                    -- without the base before an indel only alleles that show bases are known
                    when regexp_full_match(upper(reference_text), '[ACGTN]+')
                        and regexp_full_match(upper(allele_text), '[ACGTN]+')
                        then struct_pack(
                            chrom := location_parts[1],
                            pos := string_split(location_parts[2], '-')[1],
                            ref := upper(reference_text), alts := [upper(allele_text)]
                        )
                end as site
            from parsed
        ),
        typed as (
            select
                line,
                {chrom_sql("site.chrom")} as chrom,
                try_cast({integer_sql("site.pos")} as integer) as pos,
                {allele_sql("site.ref")} as ref,
                {allele_sql(alt)} as alt,
                {gene_id_sql("gene_given")} as gene_id,
                case when feature_type = 'Transcript' then {missing_sql("transcript_text")} end
                    as transcript_id,
                list_filter(string_split({terms}, ','), lambda term: term <> '')
                    as consequence_terms,
                {missing_sql("impact_text")} as impact,
                site
            from alleles
        ),
        keyed as (
            select *, {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id
            from typed
        )
        select
            line,
            case
                when gene_id is null then 'no_gene'
                when site is null then 'alleles_unknown'
                when chrom is null then 'unknown_contig'
                when alt is null then 'alleles_unknown'
                when coalesce(len(consequence_terms), 0) = 0 then 'consequence_terms_missing'
                when variant_id is not null and row_number() over (
                    partition by variant_id, gene_id, transcript_id, consequence_terms, impact
                    order by line
                ) > 1 then 'duplicate_row'
            end as reject,
            cast(null as varchar) as note,
            chrom,
            pos,
            ref,
            alt,
            variant_id,
            gene_id,
            transcript_id,
            consequence_terms,
            impact
        from keyed
    """)
    report_unknown_genes(con)


FORMATS: tuple[Format, ...] = (
    Format(
        name="vep-tab",
        kind="vep",
        table="raw.vep",
        matches=_is_tab,
        stage=_stage_text,
        wants="output of vep --tab: a line #" + ", ".join(_NEEDED) + ", ...",
        stated_build=_build_in_header,
    ),
    Format(
        name="vep-default",
        kind="vep",
        table="raw.vep",
        matches=_is_default,
        stage=_stage_text,
        wants="VEP's default output: a line #" + ", ".join(_NEEDED) + ", ..., Extra",
        stated_build=_build_in_header,
    ),
    Format(
        name="vep-json",
        kind="vep",
        table="raw.vep",
        matches=_is_json,
        stage=_stage_json,
        wants="output of vep --json: an object a line with transcript_consequences",
        stated_build=_build_in_json,
    ),
)
