"""Gene-linked intervals into raw.intervals: every format, and those with Ensembl gene ids."""

from __future__ import annotations

import re
from collections.abc import Mapping

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.evidence.interval_papers import (
    stage_fantom5,
    stage_javierre,
    stage_jung,
    stage_thurman,
)
from varhouse.ingest.evidence.interval_rows import create_incoming, default_sql, reject_repeated
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.genes.lookup import report_unknown_genes
from varhouse.ingest.reading import head_lines
from varhouse.ingest.records import (
    BED_PREAMBLE,
    Columns,
    column_names,
    create_bed_records,
    create_records,
    drop_records,
    has_columns,
    refuse_ragged,
)

UNSPECIFIED = "unspecified"
"""Feature of rows of which neither the file nor the user says the tissue or cell type."""

_RE2G_COLUMNS: Columns = {
    "contig": ("chr", "chrom"),
    "start_text": ("start",),
    "end_text": ("end",),
    "gene": ("targetgeneensemblid",),
    "gene_name": ("targetgene",),
    "feature": ("celltype",),
    "score_text": ("score",),
}

_TABLE_COLUMNS: Columns = {
    "contig": ("chrom", "chr", "chromosome", "chr_id"),
    "start_text": ("start", "start_pos", "interval_start"),
    "end_text": ("end", "end_pos", "interval_end"),
    "gene": ("gene_id",),
    "gene_name": ("gene_name",),
    "feature": ("feature", "bio_feature", "biofeature", "cell_type", "celltype", "tissue"),
    "score_text": ("score", "interval_score"),
    "type": ("type_id",),
    "source": ("source_id",),
}

_REQUIRED = ("contig", "start_text", "end_text", "gene", "score_text")

_WHOLE = re.compile(r"-?\d+")
_CONTACT = re.compile(r"[^:,\t]+:\d+-\d+,\S+")
_FANTOM5 = re.compile(r"[^:;\t]+:\d+-\d+;[^;]*;[^;]+;R:[^;]+;FDR:")


def stage_re2g(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage ENCODE-rE2G enhancer-gene links: 0-based, Ensembl ids, on GRCh38.

    Other predictors (EPIraction) publish in the same columns, but without its isSelfPromoter.

    References
    ----------
    .. [1] Gschwind et al. (2023), bioRxiv, doi:10.1101/2023.11.09.563812.
    """
    create_records(con, source, _RE2G_COLUMNS, required=(*_REQUIRED, "feature"))
    if "isselfpromoter" not in column_names(source):
        _require_source(source, options)
    _stage_by_id(
        con,
        type_id="'enhancer_gene'",
        source_id=default_sql("null", options.source_id, "encode_re2g"),
        feature=default_sql("feature", options.feature, UNSPECIFIED),
        first_base=0,
    )
    refuse_ragged(con, source)


def stage_table(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage a table of intervals, 1-based with both ends counted in, text or parquet.

    Columns chrom, start, end, gene_id and score, or as Open Targets names them.
    """
    found = create_records(con, source, _TABLE_COLUMNS, required=_REQUIRED)
    if "source" not in found:
        _require_source(source, options)
    _stage_by_id(
        con,
        type_id=default_sql("type", "interval"),
        source_id=default_sql("source", options.source_id),
        feature=default_sql("feature", options.feature, UNSPECIFIED),
        first_base=1,
    )
    refuse_ragged(con, source)


def stage_bed(con: duckdb.DuckDBPyConnection, source: SourceFile, options: LoadOptions) -> None:
    """Stage a BED file whose name column holds an Ensembl gene id and whose score is the score.

    0-based; columns past the fifth are ignored; rows that are too short are rejected one by one.
    """
    _require_source(source, options)
    names = ("contig", "start_text", "end_text", "gene", "score_text")
    create_bed_records(con, source, names, n_required=3)
    _stage_by_id(
        con,
        type_id="'interval'",
        source_id=default_sql("null", options.source_id),
        feature=default_sql("null", options.feature, UNSPECIFIED),
        first_base=0,
        gene_name="null",
    )


def _stage_by_id(
    con: duckdb.DuckDBPyConnection,
    *,
    type_id: str,
    source_id: str,
    feature: str,
    first_base: int,
    gene_name: str = "gene_name",
) -> None:
    create_incoming(
        con,
        f"""
            select
                line,
                is_ragged,
                contig,
                start_text,
                end_text,
                gene as gene_id,
                cast({gene_name} as varchar) as gene_name,
                cast(null as varchar) as gene_reject,
                {type_id} as type_id,
                {source_id} as source_id,
                {feature} as feature,
                score_text,
                cast(null as varchar) as note
            from records
        """,
        first_base=first_base,
    )
    drop_records(con)
    reject_repeated(con)
    report_unknown_genes(con)


def _require_source(source: SourceFile, options: LoadOptions) -> None:
    if not options.source_id:
        raise DataError(
            f"{source.path}: nothing says which source its intervals are from; give --source."
        )


def _first_cells(source: SourceFile) -> list[str]:
    """Return the cells of the first line that is neither blank nor a BED preamble."""
    if not source.delimiter:
        return []
    lines = (line for line in head_lines(source.path) if line.strip())
    first = next((line for line in lines if not line.startswith(BED_PREAMBLE)), "")
    return first.split("\t")


def _is_fantom5(source: SourceFile) -> bool:
    cells = _first_cells(source)
    return len(cells) >= 4 and _FANTOM5.match(cells[3]) is not None


def _is_thurman(source: SourceFile) -> bool:
    cells = _first_cells(source)
    return len(cells) == 8 and all(_WHOLE.fullmatch(cells[i]) for i in (1, 2, 5, 6))


def _is_javierre(source: SourceFile) -> bool:
    names: Mapping[str, tuple[str, ...]] = {
        name: (name,) for name in ("chrom", "start", "end", "name", "bio_feature")
    }
    cells = _first_cells(source)
    return has_columns(source, names, tuple(names)) or (
        len(cells) in (6, 7) and _CONTACT.fullmatch(cells[3]) is not None
    )


def _is_jung(source: SourceFile) -> bool:
    names = ("promoter", "interacting_fragment", "tissue_type")
    return has_columns(source, {name: (name,) for name in names}, names)


def _is_re2g(source: SourceFile) -> bool:
    return has_columns(source, _RE2G_COLUMNS, (*_REQUIRED, "feature"))


def _is_table(source: SourceFile) -> bool:
    return has_columns(source, _TABLE_COLUMNS, _REQUIRED)


def _is_bed(source: SourceFile) -> bool:
    cells = _first_cells(source)
    has_positions = len(cells) >= 3 and all(_WHOLE.fullmatch(cell) for cell in cells[1:3])
    others = (_is_fantom5, _is_thurman, _is_javierre, _is_jung, _is_re2g)
    is_bed = source.suffix.startswith(".bed")
    # with a header it may be either: whether it is 0-based only the user knows
    is_either = _is_table(source) and (is_bed or source.header.startswith("#"))
    return ((is_bed and has_positions) or is_either) and not any(
        is_other(source) for is_other in others
    )


FORMATS: tuple[Format, ...] = (
    Format(
        name="fantom5-andersson2014",
        table="raw.intervals",
        matches=_is_fantom5,
        stage=stage_fantom5,
        genome_build="GRCh37",
        wants="BED12 whose name is chr:start-end;refseq;symbol;R:..;FDR:..",
    ),
    Format(
        name="dhs-thurman2012",
        table="raw.intervals",
        matches=_is_thurman,
        stage=stage_thurman,
        genome_build="GRCh37",
        wants="no header; promoter chrom start end, symbol, distal chrom start end, correlation",
    ),
    Format(
        name="pchic-javierre2016",
        table="raw.intervals",
        matches=_is_javierre,
        stage=stage_javierre,
        genome_build="GRCh37",
        wants="chrom start end, name = chr:start-end,CHiCAGO score, and if known bio_feature",
    ),
    Format(
        name="pchic-jung2019",
        table="raw.intervals",
        matches=_is_jung,
        stage=stage_jung,
        genome_build="GRCh37",
        wants="Promoter, Interacting_fragment, Tissue_type",
    ),
    Format(
        name="encode-re2g",
        table="raw.intervals",
        matches=_is_re2g,
        stage=stage_re2g,
        genome_build="GRCh38",
        wants="chr, start, end, TargetGeneEnsemblID, CellType, Score",
    ),
    Format(
        name="intervals",
        table="raw.intervals",
        matches=_is_table,
        stage=stage_table,
        wants="chrom, start, end (1-based), gene_id, score; if known feature, source_id, type_id",
    ),
    Format(
        name="bed",
        table="raw.intervals",
        matches=_is_bed,
        stage=stage_bed,
        wants="chrom, start, end (0-based), Ensembl gene id, score in this order, without a header "
        "or with one that begins with #; needs --source",
    ),
)
