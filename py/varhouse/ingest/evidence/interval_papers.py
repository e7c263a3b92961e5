"""Interval files as four papers published them, on GRCh37.

Each layout follows the processing that Open Targets Genetics applied to the file. Gene symbols are
looked up in the gene table in upper case. A symbol that several genes bear goes to the one on the
interval's chromosome, if that is one; else its rows are rejected.
"""

from __future__ import annotations

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.evidence.interval_rows import (
    create_feature_codes,
    create_incoming,
    feature_columns,
)
from varhouse.ingest.evidence.interval_symbols import (
    finish,
    near_gene,
    reject_beyond_deviations,
    resolve_symbols,
    resolved_rows,
)
from varhouse.ingest.format import LoadOptions, SourceFile
from varhouse.ingest.genes.lookup import require_genes
from varhouse.ingest.keys import chrom_sql, integer_sql
from varhouse.ingest.records import create_bed_records, create_records, refuse_ragged
from varhouse.sql_text import text_literal

FANTOM5_LIMIT_BP = 1_068_265.6
"""Two standard deviations of the enhancer-TSS distance; nearer is kept."""

JAVIERRE_LIMIT_BP = 2_450_000
"""The same of the promoter-capture Hi-C contacts of Javierre 2016."""

JUNG_LIMIT_SD = 2

_FANTOM5_NAME = "^([^:;]+):([0-9]+)-([0-9]+);[^;]*;([^;]+);R:([^;]+)"
_JAVIERRE_NAME = "^([^:,]+):([0-9]+)-([0-9]+),(.+)$"
_JUNG_FRAGMENT = r"^(.+)\.([0-9]+)\.([0-9]+)$"


def stage_fantom5(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage the enhancer-TSS correlations of Andersson 2014 [1]_, a BED12 file.

    The interval is the enhancer, the locus at the front of ``name``: the span of the BED row
    reaches from the enhancer to the promoter, and would give the gene every variant in between.
    The score is the square of the R in ``name``; that in the score column is 1000 R, rounded.
    The midpoint of the distance filter is that of the 1-based interval.

    References
    ----------
    .. [1] Andersson et al. (2014), Nature 507:455, doi:10.1038/nature12787.
    """
    require_genes(con, source, "symbol")
    create_bed_records(con, source, ("span_chrom", "span_start", "span_end", "name"), n_required=4)
    con.execute(f"""
        create or replace temp table named_rows as
        select
            line,
            is_ragged,
            parsed.contig,
            parsed.start_text,
            parsed.end_text,
            parsed.symbol,
            parsed.score_text
        from (
            select
                *,
                regexp_extract(
                    name, {text_literal(_FANTOM5_NAME)},
                    ['contig', 'start_text', 'end_text', 'symbol', 'score_text']
                ) as parsed
            from records
        )
    """)
    resolve_symbols(con, with_synonyms=False)
    create_incoming(
        con,
        resolved_rows(
            type_id="fantom5",
            source_id=options.source_id or "andersson2014",
            feature=text_literal(options.feature or "aggregate"),
            score_text="named_rows.score_text",
        ),
        first_base=0,
        score="score * score",
        rules=near_gene(FANTOM5_LIMIT_BP),
    )
    finish(con)


def stage_thurman(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage the DNase hypersensitivity correlations of Thurman 2012 [1]_, eight columns of text.

    Columns 1-3 are the promoter, 4 the gene symbol, 5-7 the distal site, which is the interval,
    8 the correlation, which is the score. There is no filter of chromosome or distance.

    References
    ----------
    .. [1] Thurman et al. (2012), Nature 489:75, doi:10.1038/nature11232.
    """
    require_genes(con, source, "symbol")
    names = ("promoter_chrom", "promoter_start", "promoter_end", "symbol")
    create_bed_records(
        con, source, (*names, "contig", "start_text", "end_text", "score_text"), n_required=8
    )
    con.execute("create or replace temp table named_rows as select * from records")
    resolve_symbols(con, with_synonyms=False)
    create_incoming(
        con,
        resolved_rows(
            type_id="dhscor",
            source_id=options.source_id or "thurman2012",
            feature=text_literal(options.feature or "unspecified"),
            score_text="named_rows.score_text",
        ),
        first_base=0,
    )
    finish(con)


def stage_jung(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage the promoter-capture Hi-C contacts of Jung 2019 [1]_, a table of three columns.

    A row stands for each of its ``;``-joined symbols, looked up among official names and, where
    none has it, among synonyms. The fragment is 1-based as it is. A contact is there or not: its
    score is 1. Rows whose fragment's midpoint is more than two standard deviations of that
    distance, over the whole file, from the gene's midpoint are rejected.

    References
    ----------
    .. [1] Jung et al. (2019), Nat Genet 51:1442, doi:10.1038/s41588-019-0494-8.
    """
    require_genes(con, source, "symbol")
    names = ("promoter", "interacting_fragment", "tissue_type")
    create_records(con, source, {name: (name,) for name in names}, required=names)
    con.execute(f"""
        create or replace temp table named_rows as
        select
            line,
            is_ragged,
            parsed.contig,
            parsed.start_text,
            parsed.end_text,
            trim(unnest(string_split(coalesce(promoter, ''), ';'))) as symbol,
            trim(tissue_type) as biofeature
        from (
            select
                *,
                regexp_extract(
                    interacting_fragment, {text_literal(_JUNG_FRAGMENT)},
                    ['contig', 'start_text', 'end_text']
                ) as parsed
            from records
        )
    """)
    source_id = options.source_id or "jung2019"
    resolve_symbols(con, with_synonyms=True)
    create_feature_codes(con, "jung2019")
    create_incoming(
        con,
        resolved_rows(
            type_id="pchic",
            source_id=source_id,
            feature=None,
            score_text="'1'",
        ),
        first_base=1,
        rules={"other_chromosome": "gene_chrom <> chrom"},
    )
    refuse_ragged(con, source)
    reject_beyond_deviations(con, JUNG_LIMIT_SD)
    finish(con)


def stage_javierre(
    con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions
) -> None:
    """Stage the promoter-capture Hi-C contacts of Javierre 2016 [1]_ in their washU text columns.

    The first interval (chrom, start, end) names the gene: each protein-coding gene whose TSS, as
    the gene table has it, it holds. The second, inside ``name`` with the CHiCAGO score, is the
    interval; the column called score is a row number. Contacts are listed in both directions, and
    the one that starts at the other end usually holds no promoter: it is rejected as
    ``no_promoter_gene``. Without the column bio_feature, ``--feature`` names the cell type.

    References
    ----------
    .. [1] Javierre et al. (2016), Cell 167:1369, doi:10.1016/j.cell.2016.09.037.
    """
    require_genes(con, source, "the TSS in their bait fragment")
    names = ("chrom", "start", "end", "name", "score", "annotation", "bio_feature")
    if "name" in source.columns:
        found = create_records(con, source, {name: (name,) for name in names}, required=names[:4])
    else:
        create_bed_records(con, source, names, n_required=4)
        found = frozenset(names[: len(source.columns)])
    if "bio_feature" not in found and not options.feature:
        raise DataError(
            f"{source.path}: no column bio_feature, so the cell type is not known; "
            "give it with --feature (Naive_CD4, Monocytes, ...)."
        )
    biofeature = text_literal(options.feature) if options.feature else "null"
    create_feature_codes(con, "javierre2016")
    con.execute(f"""
        create or replace temp table contacts as
        select
            line,
            is_ragged,
            {chrom_sql("chrom")} as bait_chrom,
            {integer_sql('"start"')} + 1 as bait_start,
            {integer_sql('"end"')} as bait_end,
            coalesce(trim(bio_feature), {biofeature}) as biofeature,
            parsed.contig,
            parsed.start_text,
            parsed.end_text,
            parsed.score_text
        from (
            select
                *,
                regexp_extract(
                    name, {text_literal(_JAVIERRE_NAME)},
                    ['contig', 'start_text', 'end_text', 'score_text']
                ) as parsed
            from records
        )
    """)
    create_incoming(
        con,
        f"""
            with promoters as (
                select gene_id, gene_name, chrom as gene_chrom, tss_pos
                from raw.genes
                where biotype = 'protein_coding'
            ),

            baits as (
                select distinct bait_chrom, bait_start, bait_end from contacts
            ),

            bait_genes as (
                select baits.*, promoters.*
                from baits
                inner join promoters
                    on
                        baits.bait_chrom = promoters.gene_chrom
                        and promoters.tss_pos between baits.bait_start and baits.bait_end
            )

            select
                contacts.line,
                contacts.is_ragged,
                contacts.contig,
                contacts.start_text,
                contacts.end_text,
                bait_genes.gene_id,
                bait_genes.gene_name,
                case when bait_genes.gene_id is null then 'no_promoter_gene' end as gene_reject,
                bait_genes.gene_chrom,
                bait_genes.tss_pos,
                'pchic' as type_id,
                {text_literal(options.source_id or "javierre2016")} as source_id,
                {feature_columns("contacts.biofeature")},
                contacts.score_text
            from contacts
            left join bait_genes
                on
                    contacts.bait_chrom = bait_genes.bait_chrom
                    and contacts.bait_start = bait_genes.bait_start
                    and contacts.bait_end = bait_genes.bait_end
            left join feature_codes
                on contacts.biofeature = feature_codes.biofeature
        """,
        first_base=0,
        rules=near_gene(JAVIERRE_LIMIT_BP),
    )
    refuse_ragged(con, source)
    con.execute("drop table contacts")
    finish(con)
