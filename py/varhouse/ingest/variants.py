"""The variant index: which variants there are, one row per alternative allele."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from varhouse.ingest.builds import id_of_other_build_sql
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import (
    allele_sql,
    chrom_sql,
    contig_rank_sql,
    integer_sql,
    missing_sql,
    variant_id_sql,
    variant_key_sql,
    variant_struct_sql,
)
from varhouse.ingest.reading import build_of_first_id
from varhouse.ingest.staging import missing_columns, quoted_name, stage_table

_CHROM = ("chr_id", "chromosome", "chrom", "chr", "#chrom", "#CHROM", "CHROM")
_POS = ("position", "pos", "POS", "base_pair_location")
_REF = ("ref_allele", "referenceAllele", "ref", "REF", "other_allele")
_ALT = ("alt_allele", "alternateAllele", "alt", "ALT", "effect_allele")
_RSID = (
    "rs_id", "rsid", "rsId", "rsID", "RSID", "rsids", "rsIds",
    *(f"rs_id_dbSNP{release}" for release in ("147_GRCh37p13", "151_GRCh38p7", "155_GRCh38p13")),
    "snp", "SNP", "ID",
)  # fmt: skip
_VARIANT = ("variant_id", "variantId", "variant")


def _first(source: SourceFile, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in source.columns), None)


def _matches(source: SourceFile) -> bool:
    has_parts = [_first(source, names) is not None for names in (_CHROM, _POS, _REF, _ALT)]
    return _first(source, _VARIANT) is not None or sum(has_parts) >= 2


def _first_rsid_sql(text: str) -> str:
    """Return the first of several rsIDs (``rs1;rs2``, a list of parquet), or the text as it is."""
    first = rf"nullif(regexp_extract({text}, '(?i)(?:^|[;,\[ ])(rs[0-9]+)', 1), '')"
    return rf"case when regexp_matches({text}, '[;,\[]') then {first} else {text} end"


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    variant = _first(source, _VARIANT)
    parts = {names[0]: _first(source, names) for names in (_CHROM, _POS, _REF, _ALT)}
    missing = [name for name, column in parts.items() if column is None]
    if missing and not variant:
        raise missing_columns(source, missing)
    rsid = _first(source, _RSID)
    wanted = [name for name in (*parts.values(), variant, rsid) if name is not None]
    rows = stage_table(con, source, wanted, comment="##")
    variant_text = quoted_name(variant) if variant else "cast(null as varchar)"
    rsid_text = quoted_name(rsid) if rsid else "cast(null as varchar)"
    if missing:
        parsed = variant_struct_sql(variant_text)
        chrom, pos, ref, alt = (f"{parsed}.{part}" for part in ("chrom", "pos", "ref", "alt"))
    else:
        chrom, pos, ref, alt = (quoted_name(str(column)) for column in parts.values())
    other_build = (
        f"when {id_of_other_build_sql('variant_text', options.build)} then 'variant_of_other_build'"
        if options.build
        else ""
    )
    # files of associations say which allele was tested, not which one the genome has
    note = "'reference_assumed'" if ref == quoted_name("other_allele") else "cast(null as varchar)"
    con.execute(f"""
        create temp table incoming as
        with typed as (
            select
                line,
                {chrom_sql(chrom)} as chrom,
                try_cast({integer_sql(pos)} as integer) as pos,
                {allele_sql(ref)} as ref,
                {allele_sql(alt)} as alt,
                {missing_sql(variant_text)} as variant_text,
                {_first_rsid_sql(missing_sql(rsid_text))} as given_rsid
            from {rows}
        ),
        keyed as (
            select
                *,
                {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id,
                -- the id of a row that has its place and alleles beside may be its rsID
                coalesce(
                    given_rsid,
                    case when regexp_full_match(variant_text, '(?i)rs[0-9]+') then variant_text end
                ) as rsid
            from typed
        ),
        judged as (
            select
                *,
                case
                    {other_build}
                    when {"variant_text is not null and pos is null" if missing else "false"}
                        then 'variant_id_missing'
                    when chrom is null then 'unknown_contig'
                    -- an id that is no chrom_pos_ref_alt (an rsID, say) says nothing about the row
                    when {"false" if missing else "true"}
                        and {variant_key_sql("variant_text")} <> variant_id
                        then 'variant_id_mismatch'
                end as fault
            from keyed
        )
        select
            line,
            coalesce(fault, case
                when variant_id is not null
                    and row_number() over (partition by variant_id, fault order by line) > 1
                    then 'duplicate_variant'
            end) as reject,
            {note} as note,
            -- numbered over the whole table when it is stored
            cast(0 as uinteger) as variant_idx,
            variant_id,
            chrom,
            pos,
            ref,
            alt,
            rsid
        from judged
    """)


def store(con: duckdb.DuckDBPyConnection, source: SourceFile, load_id: int) -> dict[str, int]:
    """Merge the accepted rows into ``raw.variants`` and number the whole table anew.

    A variant that is there already keeps its row and gains an rsID when it had none.

    Returns
    -------
    dict of str to int
        ``known_variant``: rows that were there already.
    """
    known = con.execute(
        "select count(*) from incoming_judged "
        "where reject is null and variant_id in (select variant_id from raw.variants)"
    ).fetchone()
    con.execute("""
        update raw.variants set rsid = incoming_judged.rsid
        from incoming_judged
        where incoming_judged.reject is null
            and variants.variant_id = incoming_judged.variant_id
            and variants.rsid is null
            and incoming_judged.rsid is not null
    """)
    con.execute(f"""
        insert into raw.variants by name
        select
            cast(
                (select coalesce(max(variant_idx) + 1, 0) from raw.variants)
                + row_number() over (order by {contig_rank_sql("chrom")}, pos, ref, alt) - 1
                as uinteger
            ) as variant_idx,
            variant_id,
            chrom,
            pos,
            ref,
            alt,
            rsid,
            {load_id} as load_id
        from incoming_judged
        where reject is null and variant_id not in (select variant_id from raw.variants)
        order by variant_idx
    """)
    renumber(con)
    return {"known_variant": known[0] if known else 0}


def renumber(con: duckdb.DuckDBPyConnection) -> None:
    """Make ``variant_idx`` count from 0 by contig (1..22, X, Y, MT), position, ref and alt.

    The genotypes follow. Nothing is written where the numbers are right already.
    """
    con.execute(f"""
        create or replace temp table variant_moves as
        with ordered as (
            select
                variant_idx as old_idx,
                genotype_load_id is not null as has_genotypes,
                cast(
                    row_number() over (order by {contig_rank_sql("chrom")}, pos, ref, alt) - 1
                    as uinteger
                ) as new_idx
            from raw.variants
        )

        select * from ordered where old_idx <> new_idx
    """)
    moved = con.execute(
        "select count(*), count(*) filter (where has_genotypes) from variant_moves"
    ).fetchall()[0]
    if moved[0]:
        _rewrite(con, "raw.variants", "variant_idx")
    if moved[1]:
        for table in ("raw.genotypes_rare", "raw.genotypes_common"):
            _rewrite(con, table, "variant_idx, donor_idx")
    con.execute("drop table variant_moves")


def _rewrite(con: duckdb.DuckDBPyConnection, table: str, order: str) -> None:
    con.execute(f"""
        create or replace temp table rewritten as
        select rows.* replace (coalesce(moves.new_idx, rows.variant_idx) as variant_idx)
        from {table} as rows
        left join variant_moves as moves on rows.variant_idx = moves.old_idx
    """)
    con.execute(f"delete from {table}")
    con.execute(f"insert into {table} select * from rewritten order by {order}")
    con.execute("drop table rewritten")


FORMATS: tuple[Format, ...] = (
    Format(
        name="variant-index",
        table="raw.variants",
        matches=_matches,
        stage=_stage,
        wants="parquet, tab- or comma-separated with variant_id (chrom_pos_ref_alt), or "
        "chrom (chr_id, chromosome), pos (position), ref (ref_allele), alt (alt_allele); "
        "rs_id (rsid) if any",
        stated_build=build_of_first_id,
    ),
)
