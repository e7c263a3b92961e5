"""Rows of summary statistics, staged: variant and alleles, effect, p-value, what is doubtful."""

from __future__ import annotations

import re
from functools import partial

import duckdb

from varhouse.ingest.builds import id_of_other_build_sql
from varhouse.ingest.format import LoadOptions, SourceFile
from varhouse.ingest.keys import (
    gene_id_sql,
    missing_sql,
    variant_struct_sql,
)
from varhouse.ingest.p_values import NEGLOG10_OF_ZERO
from varhouse.ingest.records import (
    case_sql,
    create_records,
    drop_records,
    refuse_ragged,
)
from varhouse.ingest.sumstats.alleles import (
    CODED_ALLELES,
    COMPLETED,
    alleles_sql,
    oriented_sql,
    place_sql,
    stated_ref_sql,
)
from varhouse.ingest.sumstats.effects import SIGNED, measured_sql, number_texts_sql
from varhouse.ingest.sumstats.header import names_both_alleles, require_header
from varhouse.ingest.sumstats.layouts import COLUMNS, Layout
from varhouse.ingest.sumstats.metadata import read_metadata
from varhouse.ingest.sumstats.phenotypes import (
    by_phenotype_sql,
    note_unnamed,
    phenotype_columns,
    phenotype_names,
)
from varhouse.sql_text import text_literal


def stage_sumstats(
    layout: Layout, con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    """Create ``incoming`` from a file of one layout.

    Raises
    ------
    DataError
        A line is ragged, or the header leaves open what the rows are (`require_header`,
        `phenotype_columns`, `phenotype_names`).
    """
    found = layout.found_in(source)
    has_index = _has_variants(con)
    require_header(layout, source, found, has_index=has_index)
    columns = {name: layout.columns.get(name, ()) for name in COLUMNS}
    phenotypes = phenotype_names(layout, source)
    create_records(con, source, {**columns, **phenotype_columns(layout, source)}, required=())
    note_unnamed(con, phenotypes)
    study = options.source_id or read_metadata(source).study or _study_of_name(source.path.name)
    # few files leave alleles out: the others are spared a join with the whole index
    completes = has_index and not names_both_alleles(found)
    create = partial(
        _create_incoming, con, found, study, options, layout, phenotypes, has_index=has_index
    )
    create(completes=completes)
    if has_index and not completes and _lacks_alleles(con):
        create(completes=True)
    drop_records(con)
    refuse_ragged(con, source)
    _mark_repeated(con)


def _study_of_name(name: str) -> str:
    """Return a file's name up to its first dot, of PLINK's with the phenotype behind that."""
    of_plink = re.match(r"(.+)\.(?:glm|assoc)\b", name)
    return of_plink[1] if of_plink else name.split(".")[0]


def _create_incoming(
    con: duckdb.DuckDBPyConnection,
    found: frozenset[str],
    study: str,
    options: LoadOptions,
    layout: Layout,
    phenotypes: dict[str, str],
    *,
    has_index: bool,
    completes: bool,
) -> None:
    rows = _incoming_sql(
        found,
        _cells_sql(found, study, layout, phenotypes),
        options.build,
        layout,
        of_phenotypes=bool(phenotypes),
        with_index=has_index,
        completes_alleles=completes,
    )
    con.execute(f"create or replace temp table incoming as {rows}")


def _lacks_alleles(con: duckdb.DuckDBPyConnection) -> bool:
    lacking = con.execute("select 1 from incoming where reject = 'other_allele_unknown' limit 1")
    return lacking.fetchone() is not None


def _has_variants(con: duckdb.DuckDBPyConnection) -> bool:
    return con.execute("select 1 from raw.variants limit 1").fetchone() is not None


def _incoming_sql(
    found: frozenset[str],
    cells: str,
    build: str | None,
    layout: Layout,
    *,
    of_phenotypes: bool,
    with_index: bool,
    completes_alleles: bool,
) -> str:
    # a file with alleles but no position says the variant by its rsid
    by_rsid = "pos" not in found and "effect" in found
    return f"""
        with cells as ({cells}),

        located as (select *, {place_sql(found)}, {alleles_sql(found)} from cells),

        completed as ({COMPLETED if completes_alleles else "from located"}),

        placed as (select *, {stated_ref_sql(found)} as stated_ref from completed),

        oriented as ({oriented_sql(with_index=with_index, by_rsid=by_rsid)}),

        measured as ({measured_sql(found)}),

        signed as ({SIGNED})

        select
            line,
            study_id,
            variant_id,
            chrom,
            pos,
            ref,
            alt,
            rsid,
            trait_id,
            gene_id,
            effect_beta as beta,
            effect_se as se,
            effect_z as z,
            coalesce(p, pow(10, 0.0 - neglog10)) as p_value,
            neglog10 as log10p,
            n,
            n_cases,
            af,
            info,
            test,
            alleles_from,
            {
        case_sql(_reject_rules(found, build, layout, of_phenotypes=of_phenotypes, by_rsid=by_rsid))
    } as reject,
            {case_sql(_NOTES)} as note
        from signed
    """


def _cells_sql(
    found: frozenset[str], study: str, layout: Layout, phenotypes: dict[str, str]
) -> str:
    contig, variant = "chrom", "variant"
    for code, chrom in layout.contigs.items():
        contig = f"case trim(chrom) when '{code}' then '{chrom}' else {contig} end"
        variant = f"regexp_replace({variant}, '^{code}_', '{chrom}_')"
    # an id may be of a place alone where columns have the alleles, and none the place
    has_alleles = "effect" in found or {"ref", "alt"} <= found
    needs_alleles = "pos" in found or not has_alleles
    id_parts = "null"
    if "variant" in found:
        id_parts = variant_struct_sql(variant, needs_alleles=needs_alleles)
    # a splicing trait such as chr1:100:200:clu_1:ENSG00000000419.12 holds its gene
    in_trait = r"nullif(regexp_extract(gene, 'ENS[A-Z]*G[0-9]+'), '')"
    relation, study_id = "records", f"coalesce({missing_sql('study')}, {text_literal(study)})"
    if phenotypes:
        relation = by_phenotype_sql(phenotypes, layout.by_phenotype)
        study_id += " || '_' || phenotype"
    return f"""
        select
            line,
            is_ragged,
            variant,
            {id_parts} as id,
            {contig} as contig,
            pos as position,
            ref as ref_cell,
            alt as alt_cell,
            effect as effect_cell,
            other as other_cell,
            upper(trim(ref_is)) as ref_is,
            case when starts_with(trim(rsid), 'rs') then split_part(trim(rsid), ':', 1) end as rsid,
            {missing_sql("trait")} as trait_id,
            case when contains(gene, ':') then {in_trait} else {gene_id_sql("gene")} end as gene_id,
            {study_id} as study_id,
            coalesce({missing_sql("test")}, 'ADD') as test,
            {_number_text("p")} as p_cell,
            p_mantissa || 'e' || p_exponent as p_parts,
            {_number_text("neglog10_p")} as neglog10_text,
            {number_texts_sql(found)}
        from {relation}
    """


def _number_text(name: str) -> str:
    return f"case when upper(trim({name})) <> 'NAN' then {missing_sql(name)} end"


def _reject_rules(
    found: frozenset[str],
    build: str | None,
    layout: Layout,
    *,
    of_phenotypes: bool,
    by_rsid: bool,
) -> dict[str, str]:
    rules = {"ragged_row": "is_ragged"}
    if of_phenotypes:
        rules["phenotype_not_tested"] = (
            "coalesce(p_text, neglog10_text, beta_text, se_text, z_text) is null"
        )
    rules |= {
        "p_value_not_a_number": "(p_text is not null and p is null) "
        "or (neglog10_text is not null and given_neglog10 is null)",
        "p_value_not_finite": "not isfinite(p) or not isfinite(given_neglog10)",
        "p_value_out_of_range": "p < 0 or p > 1 or neglog10 < 0",
        "p_value_unreadable": "p is not null and neglog10 is null",
    }
    if layout.tests:
        of_variant = f"regexp_full_match(test, {text_literal(layout.tests)})"
        rules["row_of_covariate"] = f"test <> 'ADD' and not {of_variant}"
    if "variant" in found and build:
        rules["variant_of_other_build"] = id_of_other_build_sql("variant", build)
    if by_rsid:
        rules["variant_id_missing"] = "rsid is null and (pos is null or chrom is null)"
    else:
        rules |= (
            {"pos_missing": "pos is null", "unknown_contig": "chrom is null"}
            if "pos" in found
            else {"variant_id_missing": "pos is null or chrom is null"}
        )
    return rules | {
        "alleles_missing": "effect is null",
        "other_allele_unknown": "other is null",
        "alleles_equal": "effect = other",
    }


_NOTES = {
    "p_value_zero": f"p = 0 and neglog10 = {NEGLOG10_OF_ZERO}",
    "p_value_below_doubles": "coalesce(p, pow(10, 0.0 - neglog10)) = 0",
    "p_value_absent": "p is null and neglog10 is null and z_text is null",
    "effect_not_finite": "(beta_text is not null and not coalesce(isfinite(beta), false)) "
    "or (se_text is not null and not coalesce(isfinite(se), false))",
    "odds_ratio_not_positive": "odds_ratio_text is not null and effect_beta is null",
    "se_not_positive": "se <= 0",
    "af_out_of_range": "effect_af < 0 or effect_af > 1",
    "position_unknown": "chrom is null or pos is null",
    "number_unreadable": "is_unreadable",
    "alleles_are_codes": " or ".join(f"effect = '{code}'" for code in CODED_ALLELES),
    "reference_assumed": "alleles_from = 'assumed'",
}


def _mark_repeated(con: duckdb.DuckDBPyConnection) -> None:
    """Reject rows that stand in the file already, and note those that differ from an earlier one.

    An earlier one may be of another file. A line of several phenotypes is a row of several studies.
    Only rows whose key's hash occurs twice are looked at again: a sort of every row would cost more
    than reading the file.
    """
    key = "study_id, coalesce(variant_id, rsid), trait_id, test"
    con.execute(f"""
        create or replace temp table repeated_keys as
        with keys as (
            select hash({key}) as key_hash, false as is_stored
            from incoming
            where reject is null
            union all
            select hash({key}), true
            from raw.sumstats
            where study_id in (select study_id from incoming)
        )

        select key_hash, bool_or(is_stored) as is_stored
        from keys
        group by key_hash
        having count(*) > 1 and not bool_and(is_stored)
    """)
    if con.execute("select 1 from repeated_keys limit 1").fetchone() is None:
        con.execute("drop table temp.repeated_keys")
        return
    candidates = f"""
        select incoming.*, is_stored
        from incoming
        inner join repeated_keys on hash({key}) = key_hash
        where reject is null
    """
    content = (
        "study_id, variant_id, rsid, trait_id, gene_id, test, beta, se, z, p_value, log10p, n, "
        "n_cases, af, info"
    )
    con.execute(f"""
        update incoming
        set reject = 'duplicate_row'
        where (line, study_id) in (
            select line, study_id from ({candidates})
            qualify row_number() over (partition by {content} order by line) > 1
        )
    """)
    con.execute(f"""
        update incoming
        set note = case
            when note is null or note = 'reference_assumed' then 'association_repeated' else note
        end
        where (line, study_id) in (
            select line, study_id from ({candidates})
            qualify is_stored or row_number() over (partition by {key} order by line) > 1
        )
    """)
    con.execute("drop table temp.repeated_keys")
