"""Tags of study loci: members of credible sets, or variants in LD with a lead, into raw.tags.

A row says how much a tag variant stands for the locus of a lead variant in a study: by its
posterior probability, by its r2 with the lead, or both. Of a (study, lead, tag) that occurs again
the row that counts most is kept. Variants that nothing else knows are kept too: what is scored is
settled when the models are built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.builds import chromosome_end_sql, id_of_other_build_sql
from varhouse.ingest.format import Format, LoadOptions, SourceFile, is_first_fit
from varhouse.ingest.keys import (
    allele_sql,
    chrom_sql,
    contig_rank_sql,
    integer_sql,
    missing_sql,
    number_sql,
    variant_id_sql,
    variant_struct_sql,
)
from varhouse.ingest.reading import shown_names
from varhouse.ingest.records import (
    Columns,
    case_sql,
    create_records,
    drop_records,
    has_columns,
    keep_first,
    refuse_ragged,
)
from varhouse.sql_text import text_literal

_PARTS = ("chrom", "pos", "ref", "alt")
_LEAD_PARTS = tuple(f"lead_{part}" for part in _PARTS)
_TAG_PARTS = tuple(f"tag_{part}" for part in _PARTS)
_MEASURES = ("posterior", "r2")
_ALL_COLUMNS = (
    "study", "credible_set", "lead", *_LEAD_PARTS, "tag", *_TAG_PARTS, *_MEASURES,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TagLayout:
    """How one layout names its columns.

    Attributes
    ----------
    columns
        Our name -> the layout's names; of what is not listed the layout has none.
    required
        Columns without which a file is not of this layout.
    measures
        Columns of which one has to be there.
    """

    name: str
    wants: str
    columns: Columns
    required: Sequence[str]
    measures: Sequence[str] = _MEASURES

    @property
    def by_position(self) -> bool:
        """Whether variants are given in four columns each, not by their ids."""
        return "tag" not in self.columns

    @property
    def has_credible_sets(self) -> bool:
        """Whether the lead is not named: it is the likeliest variant of its credible set."""
        return "credible_set" in self.columns

    def fits(self, source: SourceFile) -> bool:
        """Whether the header has what this layout needs."""
        return has_columns(source, self.columns, self.required) and any(
            has_columns(source, self.columns, (name,)) for name in self.measures
        )


SET_SPAN_BP = 20_000_000
"""Wider than any region that is fine-mapped: what lies farther apart is not one credible set."""

_STUDY = ("study_id", "studyid", "study")
_POSTERIOR = ("posterior", "posterior_prob", "posterior_probability", "postprob", "pip")
_R2 = ("r2", "overall_r2", "r2overall")

LAYOUTS: tuple[TagLayout, ...] = (
    TagLayout(
        name="tags",
        wants="study_id, lead_variant_id, tag_variant_id, posterior or r2 or both",
        columns={
            "study": _STUDY,
            "lead": ("lead_variant_id", "leadvariantid", "lead_variant", "lead"),
            "tag": ("tag_variant_id", "tagvariantid", "tag_variant", "tag"),
            "posterior": _POSTERIOR,
            "r2": _R2,
        },
        required=("lead", "tag"),
    ),
    # The tables of Open Targets Genetics that join study loci to variants: LD and fine-mapping.
    TagLayout(
        name="opentargets-v2d",
        wants="study_id, lead_chrom, lead_pos, lead_ref, lead_alt, tag_chrom, tag_pos, tag_ref, "
        "tag_alt, posterior_prob (postprob) or overall_r2 (r2) or both",
        columns={
            "study": _STUDY,
            **{name: (name,) for name in (*_LEAD_PARTS, *_TAG_PARTS)},
            "posterior": _POSTERIOR,
            "r2": _R2,
        },
        required=(*_LEAD_PARTS, *_TAG_PARTS),
    ),
    TagLayout(
        name="credible-sets",
        wants="cs_id, variant (variant_id), pip (posterior) of one study, named by --source; the "
        "lead is the variant of the highest pip",
        columns={
            "study": _STUDY,
            "credible_set": ("cs_id", "credible_set_id"),
            "tag": ("variant", "variant_id", "variantid"),
            "posterior": _POSTERIOR,
        },
        required=("credible_set", "tag"),
        measures=("posterior",),
    ),
)
"""Every layout, in the order in which they are tried."""


def stage_tags(
    layout: TagLayout, con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    """Create ``incoming`` from a file of one layout.

    Raises
    ------
    DataError
        A column is missing, a line is ragged, or nothing says which study the rows are of.
    """
    columns = {name: layout.columns.get(name, ()) for name in _ALL_COLUMNS}
    found = create_records(con, source, columns, required=layout.required)
    if found.isdisjoint(layout.measures):
        wanted = " or ".join(layout.columns[name][0] for name in layout.measures)
        raise DataError(
            f"{source.path}: no column for {wanted}. Columns found: {shown_names(source.columns)}."
        )
    if "study" not in found and options.source_id is None:
        raise DataError(
            f"{source.path}: nothing says which study its rows are of. "
            "Add a column study_id, or give --source STUDY."
        )
    con.execute(f"create or replace temp table incoming as {_incoming_sql(layout, options)}")
    drop_records(con)
    refuse_ragged(con, source)
    _refuse_mixed_sets(con, source)
    con.execute("alter table incoming drop credible_set")
    keep_first(
        con,
        key="study_id, lead_variant_id, tag_variant_id",
        order="posterior desc nulls last, r2 desc nulls last, line",
        otherwise="duplicate_tag",
    )
    _report_unknown_variants(con)


def _refuse_mixed_sets(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Refuse credible sets whose ids begin anew in each region: they would pass as one."""
    mixed = con.execute(f"""
        with placed as (
            select
                line,
                study_id,
                credible_set,
                split_part(tag_variant_id, '_', 1) as chrom,
                cast(split_part(tag_variant_id, '_', 2) as bigint) as pos
            from incoming
            where reject is null and credible_set is not null
        )

        select arg_min(credible_set, line)
        from placed
        group by study_id, credible_set
        having count(distinct chrom) > 1 or max(pos) - min(pos) > {SET_SPAN_BP}
        order by min(line)
        limit 1
    """).fetchone()
    if mixed:
        raise DataError(
            f"{source.path}: credible set {mixed[0]} has variants on several chromosomes, or more "
            f"than {SET_SPAN_BP // 1_000_000} Mb apart. Do its ids begin anew in each region or "
            "trait? Give each set an id of its own, such as trait, region and number in one."
        )


def _incoming_sql(layout: TagLayout, options: LoadOptions) -> str:
    given_study = text_literal(options.source_id) if options.source_id else "null"
    lead = "lead_variant_id"
    if layout.has_credible_sets:
        lead = f"""
            first_value(tag_variant_id) over (
                partition by study_id, credible_set
                order by
                    -- what is wrong with a row must not make it the lead
                    coalesce(fault is null and tag_variant_id is not null, false) desc,
                    posterior desc,
                    {contig_rank_sql("tag_chrom")},
                    tag_pos,
                    tag_ref,
                    tag_alt
            )
        """
    return f"""
        with cells as (
            select
                *,
                {variant_struct_sql("lead")} as lead_parsed,
                {variant_struct_sql("tag")} as tag_parsed,
                {missing_sql("posterior")} as posterior_text,
                {missing_sql("r2")} as r2_text
            from records
        ),

        typed as (
            select
                line,
                is_ragged,
                lead,
                tag,
                coalesce({missing_sql("study")}, {given_study}) as study_id,
                -- -1 is no set
                case when not regexp_full_match(trim(credible_set), '-1([.]0)?')
                    then {missing_sql("credible_set")}
                end as credible_set,
                {_part_columns("lead", layout.by_position)},
                {_part_columns("tag", layout.by_position)},
                posterior_text,
                {number_sql("posterior_text")} as posterior_number,
                r2_text,
                {number_sql("r2_text")} as r2_number
            from cells
        ),

        keyed as (
            select
                *,
                {variant_id_sql(*_LEAD_PARTS)} as lead_variant_id,
                {variant_id_sql(*_TAG_PARTS)} as tag_variant_id,
                {_share_sql("posterior_number")} as posterior,
                {_share_sql("r2_number")} as r2
            from typed
        ),

        judged as (
            select *, {case_sql(_reject_rules(layout, options))} as fault
            from keyed
        )

        select
            line,
            fault as reject,
            cast(null as varchar) as note,
            credible_set,
            study_id,
            {lead} as lead_variant_id,
            tag_variant_id,
            posterior,
            r2
        from judged
    """


def _share_sql(number: str) -> str:
    """Return a number as it is, NULL for NaN, 1 where rounding left a little more than 1."""
    rounded = f"{number} between 1 and 1 + 1e-6"
    return f"case when {rounded} then 1 when not isnan({number}) then {number} end"


def _part_columns(side: str, by_position: bool) -> str:
    chrom, pos, ref, alt = (
        f"{side}_{part}" if by_position else f"{side}_parsed.{part}" for part in _PARTS
    )
    return f"""
        {chrom_sql(chrom)} as {side}_chrom,
        try_cast({integer_sql(pos)} as integer) as {side}_pos,
        {allele_sql(ref)} as {side}_ref,
        {allele_sql(alt)} as {side}_alt
    """


def _reject_rules(layout: TagLayout, options: LoadOptions) -> dict[str, str]:
    sides = ("tag",) if layout.has_credible_sets else ("lead", "tag")
    rules = {"ragged_row": "is_ragged", "study_id_missing": "study_id is null"}
    if layout.has_credible_sets:
        rules["credible_set_missing"] = "credible_set is null"
    if layout.by_position:
        rules["position_below_one"] = " or ".join(f"{side}_pos < 1" for side in sides)
    elif options.build:
        rules["variant_of_other_build"] = " or ".join(
            id_of_other_build_sql(side, options.build) for side in sides
        )
    rules |= {f"{side}_variant_id_missing": f"{side}_variant_id is null" for side in sides}
    if options.build:
        rules["beyond_chromosome_end"] = " or ".join(
            f"{side}_pos > {chromosome_end_sql(f'{side}_chrom', options.build)}" for side in sides
        )
    for name in _MEASURES:
        rules[f"{name}_not_a_number"] = f"{name}_text is not null and {name}_number is null"
        rules[f"{name}_out_of_range"] = f"{name} < 0 or {name} > 1"
    rules["posterior_and_r2_missing"] = "posterior is null and r2 is null"
    return rules


def _report_unknown_variants(con: duckdb.DuckDBPyConnection) -> None:
    """Count the tags that are not in the variant index, if there is one; they are kept."""
    if con.execute("select 1 from raw.variants limit 1").fetchone() is None:
        return
    con.execute("""
        insert into incoming_issues
        select
            min(incoming.line),
            'unknown_variant',
            'the tag is not in the variant index; the row is kept, but adds nothing without it',
            count(*),
            arg_min(incoming.tag_variant_id, incoming.line)
        from incoming
        anti join raw.variants
            on incoming.tag_variant_id = variants.variant_id
        where incoming.reject is null
        having count(*) > 0
    """)


FORMATS: tuple[Format, ...] = tuple(
    Format(
        name=layout.name,
        table="raw.tags",
        matches=partial(is_first_fit, LAYOUTS, layout),
        stage=partial(stage_tags, layout),
        wants=layout.wants,
    )
    for layout in LAYOUTS
)
