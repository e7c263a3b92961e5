"""QTL summary statistics: from the layouts of GTEx, the eQTL Catalogue and Open Targets to raw.qtl.

P-values are read as `varhouse.ingest.p_values` says: none is lost below the doubles. Rows without a
p-value have no score and are rejected. Gene ids lose their version; rows of anything but an
Ensembl gene are rejected. A (variant, gene, source, feature) that occurs again, as the eQTL
Catalogue does for variants with two rsids, keeps its smallest p-value. ``beta`` is of alt: where a
column names the effect allele and it is ref, it is negated.
"""

from __future__ import annotations

from functools import partial

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.builds import id_of_other_build_sql
from varhouse.ingest.evidence.qtl_layouts import LAYOUTS, POSITION, QtlLayout
from varhouse.ingest.evidence.repeats import report_loaded_before
from varhouse.ingest.format import Format, LoadOptions, SourceFile, is_first_fit
from varhouse.ingest.genes.lookup import ENSEMBL_GENE, has_genes, report_unknown_genes
from varhouse.ingest.keys import (
    allele_sql,
    chrom_sql,
    gene_id_sql,
    integer_sql,
    missing_sql,
    number_sql,
    rsid_sql,
    variant_id_sql,
    variant_key_sql,
    variant_struct_sql,
)
from varhouse.ingest.p_values import NEGLOG10_OF_ZERO, neglog10_sql, tiny_p_sql
from varhouse.ingest.reading import shown_names
from varhouse.ingest.records import (
    case_sql,
    create_records,
    drop_records,
    has_columns,
    keep_first,
    refuse_ragged,
)
from varhouse.sql_text import text_literal

SIGNIFICANCE = 0.05
"""Of a gene's tests together: Open Targets keeps p <= 0.05 / num_tests."""

CIS_WINDOW_BP = 1_000_000

TYPE_OF_SOURCE = {
    "gtex_v7": "eqtl",
    "sun2018": "pqtl",
    "eqtl": "eqtl",
    "pqtl": "pqtl",
    "sqtl": "sqtl",
}
"""Type of the sources that the Open Targets releases name."""

_ALL_COLUMNS = (
    "trait", "variant", *POSITION, "effect", "rsid", "gene", "p", "neglog10_p", "p_mantissa",
    "p_exponent", "beta", "se", "num_tests", "type", "source", "study", "feature",
)  # fmt: skip


def stage_qtl(
    layout: QtlLayout, con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    """Create ``incoming`` from a file of one layout.

    Raises
    ------
    DataError
        A column is missing, a line is ragged, or nothing says what source the rows are from.
    """
    columns = {name: layout.columns.get(name, ()) for name in _ALL_COLUMNS}
    by_position = has_columns(source, columns, POSITION)
    required = [name for name in layout.required if name in columns]
    found = create_records(
        con,
        source,
        columns,
        required=[*required, *(() if by_position else ("variant",))],
    )
    _require_p(layout, source, found)
    _require_source(layout, source, options, found)
    check_window = layout.is_filtered and has_genes(con)
    con.execute(
        f"create or replace temp table incoming as "
        f"{_incoming_sql(layout, source, options, found, by_position, check_window)}"
    )
    drop_records(con)
    refuse_ragged(con, source)
    keep_first(
        con,
        key="variant_id, gene_id, source_id, feature",
        order="neglog10_p desc, beta, se, rsid, line",
        otherwise="duplicate_row",
    )
    report_unknown_genes(con)
    report_loaded_before(con, "p_value", or_otherwise=True)
    if layout.is_filtered:
        _report_unchecked(con, found, check_window)


def _require_p(layout: QtlLayout, source: SourceFile, found: frozenset[str]) -> None:
    if not any(found.issuperset(names) for names in layout.p_columns):
        wanted = " or ".join(" and ".join(names) for names in layout.p_columns)
        raise DataError(
            f"{source.path}: no column for {wanted}. Columns found: {shown_names(source.columns)}."
        )


def _require_source(
    layout: QtlLayout, source: SourceFile, options: LoadOptions, found: frozenset[str]
) -> None:
    if not (layout.source_id or options.source_id or found & {"source", "type"}):
        raise DataError(
            f"{source.path}: nothing says which source its rows are from. "
            "Add a column source_id, or give --source (eqtl, pqtl, sqtl, ...)."
        )


def _incoming_sql(
    layout: QtlLayout,
    source: SourceFile,
    options: LoadOptions,
    found: frozenset[str],
    by_position: bool,
    check_window: bool,
) -> str:
    names_effect = by_position and _names_effect_only(layout, source)
    parsed = variant_struct_sql("variant") if names_effect or not by_position else "null"
    has_both = found.issuperset(("variant", "chrom", "pos")) and layout.genome_build is None
    mismatch = _mismatch_sql(by_position, names_effect) if has_both else "false"
    gene_place, window = "null as gene_chrom, null::integer as tss_pos", ""
    if check_window:
        gene_place = "genes.chrom as gene_chrom, genes.tss_pos"
        window = "left join raw.genes as genes on numbers.gene_id = genes.gene_id"
    return f"""
        with cells as (
            select
                *,
                {parsed} as parsed,
                {missing_sql("beta")} as beta_text,
                {missing_sql("se")} as se_text,
                {missing_sql("neglog10_p")} as neglog10_text,
                coalesce({missing_sql("p")}, p_mantissa || 'e' || p_exponent) as p_text
            from records
        ),

        numbers as (
            select
                line,
                is_ragged,
                variant,
                {_key_columns(by_position, names_effect)},
                {"coalesce(parsed.pos, '') = ''" if names_effect else "false"} as is_assumed,
                {mismatch} as is_mismatch,
                {rsid_sql("rsid")} as rsid,
                {gene_id_sql("gene")} as gene_id,
                {_label_columns(layout, source, options)},
                p_text,
                neglog10_text,
                {number_sql("p_text")} as p,
                {number_sql("neglog10_text")} as given_neglog10,
                {tiny_p_sql("p_text", number_sql("p_text"))} as tiny,
                beta_text,
                {number_sql("beta_text")} as given_beta,
                {allele_sql("effect")} as effect_allele,
                se_text,
                {number_sql("se_text")} as se,
                {number_sql("num_tests")} as num_tests
            from cells
        ),

        scored as (
            select
                numbers.*,
                {_beta_of_alt(found)} as beta,
                {gene_place},
                {neglog10_sql("given_neglog10", "p", "tiny")} as neglog10
            from numbers
            {window}
        )

        select
            line,
            chrom,
            pos,
            ref,
            alt,
            {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id,
            rsid,
            gene_id,
            type_id,
            source_id,
            feature,
            case when isfinite(beta) then beta end as beta,
            case when isfinite(se) and se > 0 then se end as se,
            coalesce(case when not isnan(p) then p end, pow(10, 0.0 - neglog10)) as p_value,
            neglog10 as neglog10_p,
            {case_sql(_reject_rules(layout, options, found, by_position))} as reject,
            {case_sql(_NOTES)} as note
        from scored
    """


def _names_effect_only(layout: QtlLayout, source: SourceFile) -> bool:
    """Whether columns of the effect and the other allele stand for alt and ref."""
    names = {"ref": [name for name in layout.columns["ref"] if name != "other_allele"]}
    return "effect" in layout.columns and not has_columns(source, names, ["ref"])


def _mismatch_sql(by_position: bool, names_effect: bool) -> str:
    """Return whether an id is of another variant than the columns beside it say."""
    place = f"{chrom_sql('chrom')} || '_' || {integer_sql('pos')}"
    if not by_position:
        return f"coalesce({chrom_sql('parsed.chrom')} || '_' || parsed.pos <> {place}, false)"
    ref, alt = allele_sql("ref"), allele_sql("alt")
    orders = [(ref, alt), (alt, ref)] if names_effect else [(ref, alt)]
    ids = ", ".join(f"{place} || '_' || {first} || '_' || {second}" for first, second in orders)
    return f"coalesce({variant_key_sql('variant')} not in ({ids}), false)"


def _beta_of_alt(found: frozenset[str]) -> str:
    if "effect" not in found:
        return "given_beta"
    return "case effect_allele when alt then given_beta when ref then 0.0 - given_beta end"


def _key_columns(by_position: bool, names_effect: bool) -> str:
    if names_effect:
        # an id says which allele is the reference, columns of the effect's allele do not
        contig, position, ref, alt = (
            f"case when parsed.pos <> '' then parsed.{name} else {name} end" for name in POSITION
        )
    elif by_position:
        contig, position, ref, alt = POSITION
    else:
        contig, position, ref, alt = (f"parsed.{name}" for name in POSITION)
    return f"""
        {chrom_sql(contig)} as chrom,
        try_cast({integer_sql(position)} as integer) as pos,
        {allele_sql(ref)} as ref,
        {allele_sql(alt)} as alt
    """


def _label_columns(layout: QtlLayout, source: SourceFile, options: LoadOptions) -> str:
    """Return source, type and feature: what the row says, else the user, else the layout."""
    given = text_literal(options.source_id) if options.source_id else "null"
    default = _or_splicing(layout.source_id) if layout.source_id else "null"
    source_id = f"coalesce({missing_sql('source')}, {given}, {missing_sql('type')}, {default})"
    known = " ".join(
        f"when {text_literal(name)} then {text_literal(kind)}"
        for name, kind in TYPE_OF_SOURCE.items()
    )
    type_id = (
        f"coalesce({missing_sql('type')}, case {source_id} {known} end, "
        f"{_or_splicing(layout.type_id)})"
    )
    # concat_ws passes over NULL, and gives '' when both are.
    feature = (
        f"coalesce(nullif(concat_ws('-', {missing_sql('study')}, {missing_sql('feature')}), ''), "
        f"{text_literal(options.feature or dataset_name(source))})"
    )
    return f"{source_id} as source_id, {type_id} as type_id, {feature} as feature"


def _or_splicing(name: str) -> str:
    """Return ``name``, or ``sqtl`` for a trait that is an intron in a cluster of LeafCutter."""
    return f"case when contains(trait, ':clu_') then 'sqtl' else {text_literal(name)} end"


def dataset_name(source: SourceFile) -> str:
    """Return a file's name up to its first dot: there, the tissue or data set."""
    return source.path.name.split(".")[0]


def _reject_rules(
    layout: QtlLayout, options: LoadOptions, found: frozenset[str], by_position: bool
) -> dict[str, str]:
    rules = {
        "ragged_row": "is_ragged",
        "p_value_missing": "(p_text is null or isnan(p)) "
        "and (neglog10_text is null or isnan(given_neglog10))",
        "p_value_not_a_number": "(p_text is not null and p is null) "
        "or (neglog10_text is not null and given_neglog10 is null)",
        "p_value_not_finite": "isinf(p) or isinf(given_neglog10)",
        "p_value_out_of_range": "p < 0 or (p > 1 and not isnan(p)) or neglog10 < 0",
        # Text such as 0.000...1 with hundreds of zeros: neither a double nor mantissa and exponent.
        "p_value_unreadable": "neglog10 is null",
        "gene_id_missing": "gene_id is null",
        "gene_id_not_ensembl": f"not regexp_full_match(gene_id, '{ENSEMBL_GENE}')",
    }
    if options.build and "variant" in found and layout.genome_build is None:
        rules["variant_of_other_build"] = id_of_other_build_sql("variant", options.build)
    rules["variant_id_mismatch"] = "is_mismatch"
    if not by_position:
        rules["variant_id_missing"] = "pos is null or chrom is null"
    if layout.is_filtered:
        if "num_tests" in found:
            rules |= {
                "num_tests_missing": "not coalesce(num_tests > 0, false)",
                "p_above_threshold": f"p > {SIGNIFICANCE} / num_tests",
            }
        rules["outside_cis_window"] = f"gene_chrom <> chrom or abs(pos - tss_pos) > {CIS_WINDOW_BP}"
    return rules


_NOTES = {
    "p_value_zero": f"p = 0 and neglog10 = {NEGLOG10_OF_ZERO}",
    "p_value_underflow": "coalesce(case when not isnan(p) then p end, pow(10, 0.0 - neglog10)) = 0",
    "effect_not_finite": "(beta_text is not null and not coalesce(isfinite(given_beta), false)) "
    "or (se_text is not null and not coalesce(isfinite(se), false))",
    "se_not_positive": "se <= 0",
    "effect_allele_unknown": "given_beta is not null and beta is null",
    "reference_assumed": "is_assumed",
}


def _report_unchecked(
    con: duckdb.DuckDBPyConnection, found: frozenset[str], check_window: bool
) -> None:
    if "num_tests" not in found:
        con.execute(
            "insert into incoming_issues values (null, 'threshold_not_checked', "
            "'no column num_tests: rows are taken as filtered for significance already', 1, null)"
        )
    if not check_window:
        con.execute(
            "insert into incoming_issues values (null, 'cis_window_not_checked', "
            "'no genes are loaded: the distance to the TSS was not checked', 1, null)"
        )


FORMATS: tuple[Format, ...] = tuple(
    Format(
        name=layout.name,
        table="raw.qtl",
        matches=partial(is_first_fit, LAYOUTS, layout),
        stage=partial(stage_qtl, layout),
        genome_build=layout.genome_build,
        wants=layout.wants,
        stated_build=layout.stated_build,
    )
    for layout in LAYOUTS
)
