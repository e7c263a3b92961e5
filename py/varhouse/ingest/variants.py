"""The variant index: which variants there are, one row per alternative allele."""

from __future__ import annotations

import duckdb

from varhouse.ingest.builds import id_of_other_build_sql
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import (
    allele_sql,
    chrom_sql,
    contig_rank_sql,
    integer_sql,
    missing_sql,
    rsid_sql,
    variant_id_sql,
    variant_key_sql,
    variant_struct_sql,
)
from varhouse.ingest.reading import build_of_first_id
from varhouse.ingest.records import (
    Columns,
    case_sql,
    create_records,
    drop_records,
    has_columns,
    refuse_ragged,
)

_PARTS = ("chrom", "pos", "ref", "alt")
_COLUMNS: Columns = {
    "variant": ("variant_id", "variantid", "variant"),
    "chrom": ("chr_id", "chromosome", "chrom", "chr"),
    "pos": ("position", "pos", "base_pair_location"),
    "ref": ("ref_allele", "referenceallele", "ref", "other_allele"),
    "alt": ("alt_allele", "alternateallele", "alt", "effect_allele"),
    "rsid": (
        "rs_id", "rsid", "rsids", "rs_id_dbsnp147_grch37p13", "rs_id_dbsnp151_grch38p7",
        "rs_id_dbsnp155_grch38p13", "snp", "id",
    ),
}  # fmt: skip


def _matches(source: SourceFile) -> bool:
    found = [name for name in _COLUMNS if has_columns(source, _COLUMNS, (name,))]
    return "variant" in found or len(set(found) & set(_PARTS)) >= 2


def _stage(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    has_ids = has_columns(source, _COLUMNS, ("variant",))
    by_id = has_ids and not has_columns(source, _COLUMNS, _PARTS)
    create_records(con, source, _COLUMNS, required=() if by_id else _PARTS)
    chrom, pos, ref, alt = (f"parsed.{part}" if by_id else part for part in _PARTS)
    place = f"{chrom_sql('chrom')} || '_' || {integer_sql('pos')} || '_'"
    rules = {"ragged_row": "is_ragged"}
    if options.build:
        rules["variant_of_other_build"] = id_of_other_build_sql("variant_text", options.build)
    if by_id:
        rules["variant_id_missing"] = "variant_text is not null and pos is null"
    rules |= {
        "unknown_contig": "chrom is null",
        "several_alleles": "contains(alt_text, ',')",
        # an id that is no chrom_pos_ref_alt (an rsID, say) says nothing about the row
        "variant_id_mismatch": "not starts_with(variant_id, place)"
        if by_id
        else f"{variant_key_sql('variant_text')} <> variant_id",
    }
    # files of associations say which allele was tested, not which one the genome has
    is_assumed = not by_id and not has_columns(source, {"ref": _COLUMNS["ref"][:-1]}, ("ref",))
    con.execute(f"""
        create temp table incoming as
        with typed as (
            select
                line,
                is_ragged,
                {chrom_sql(chrom)} as chrom,
                try_cast({integer_sql(pos)} as integer) as pos,
                {allele_sql(ref)} as ref,
                {allele_sql(alt)} as alt,
                {alt} as alt_text,
                {place} as place,
                {missing_sql("variant")} as variant_text,
                -- the id of a row that has its place and alleles beside may be its rsID
                coalesce({rsid_sql("rsid")}, {rsid_sql("variant")}) as rsid
            from (select *, {variant_struct_sql("variant")} as parsed from records)
        ),
        keyed as (
            select *, {variant_id_sql(*_PARTS)} as variant_id
            from typed
        ),
        judged as (
            select *, {case_sql(rules)} as fault
            from keyed
        )
        select
            line,
            coalesce(fault, case
                when variant_id is not null
                    and row_number() over (partition by variant_id, fault order by line) > 1
                    then 'duplicate_variant'
            end) as reject,
            {"'reference_assumed'" if is_assumed else "cast(null as varchar)"} as note,
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
    drop_records(con)
    refuse_ragged(con, source)


def store(con: duckdb.DuckDBPyConnection, source: SourceFile, load_id: int) -> dict[str, int]:
    """Merge the accepted rows into ``raw.variants`` and number the whole table anew.

    A variant that is there already keeps its row and gains an rsID when it had none.

    Returns
    -------
    dict of str to int
        ``known_variant``: rows that were there already.
    """
    ((n_known,),) = con.execute(
        "select count(*) from incoming_judged "
        "where reject is null and variant_id in (select variant_id from raw.variants)"
    ).fetchall()
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
    return {"known_variant": n_known}


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
    ((n_moved, n_genotyped),) = con.execute(
        "select count(*), count(*) filter (where has_genotypes) from variant_moves"
    ).fetchall()
    if n_moved:
        _rewrite(con, "raw.variants", "variant_idx")
    if n_genotyped:
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
        "rs_id (rsid) if any; of a VCF the lines from #CHROM on, an ALT in each",
        stated_build=build_of_first_id,
    ),
)
