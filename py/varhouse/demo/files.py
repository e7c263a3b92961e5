"""Write the invented locus as files in the formats that ``varhouse load`` documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from varhouse.demo import signals
from varhouse.demo.locus import (
    BUILD,
    CHROM,
    DEFAULT_SEED,
    DemoGene,
    DemoLocus,
    DemoVariant,
    PlantedAnswer,
    invent_locus,
)

_EVIDENCE_SCHEMA = pa.schema(
    [
        ("chr_id", pa.string()),
        ("position", pa.int32()),
        ("ref_allele", pa.string()),
        ("alt_allele", pa.string()),
        ("variant_id", pa.string()),
        ("rs_id", pa.string()),
        ("gene_chr", pa.string()),
        ("gene_id", pa.string()),
        ("gene_start", pa.int32()),
        ("gene_end", pa.int32()),
        ("gene_name", pa.string()),
        ("feature", pa.string()),
        ("type_id", pa.string()),
        ("source_id", pa.string()),
        ("csq_counts", pa.int32()),
        ("qtl_beta", pa.float64()),
        ("qtl_se", pa.float64()),
        ("qtl_pval", pa.float64()),
        ("interval_score", pa.float64()),
    ]
)
_VARIANT_SCHEMA = pa.schema(
    [
        ("variant_id", pa.string()),
        ("chr_id", pa.string()),
        ("position", pa.int32()),
        ("ref_allele", pa.string()),
        ("alt_allele", pa.string()),
        ("rs_id", pa.string()),
        ("is_lead", pa.bool_()),
    ]
)
_NUMBERS = ("csq_counts", "qtl_beta", "qtl_se", "qtl_pval", "interval_score")
# The last so many consequence rows go into a VEP file of their own instead of the evidence slice.
_N_SEPARATE_VEP_ROWS = 150
_N_PQTL_TESTS = 4_000


class DemoFiles(NamedTuple):
    """The written files, in the order in which they are loaded, and what was planted in them."""

    genes: Path
    variants: Path
    evidence: Path
    qtl: Path
    intervals: Path
    vep: Path
    planted: list[PlantedAnswer]
    build: str


def write_demo_files(folder: Path, *, seed: int = DEFAULT_SEED) -> DemoFiles:
    """Invent a locus and write it; equal seeds write equal bytes.

    Parameters
    ----------
    folder
        Where the files go; made when it is not there.
    seed
        Of the one random generator behind all of them.

    Returns
    -------
    DemoFiles
        A gene table, a variant index, an evidence slice (gtex_v7, javierre2016, andersson2014,
        vep), a pQTL file (sun2018), a DHS interval file (thurman2012) and a VEP JSON-lines file.
    """
    rng = np.random.default_rng(seed)
    locus = invent_locus(rng)
    eqtls = signals.invent_eqtls(rng, locus)
    pqtls = signals.invent_pqtls(rng, locus)
    promoter_capture = signals.invent_promoter_capture(rng, locus)
    enhancer_links = signals.invent_enhancer_links(locus)
    open_chromatin = signals.invent_open_chromatin(rng, locus)
    consequences = signals.invent_consequences(rng, locus)
    in_slice = consequences[:-_N_SEPARATE_VEP_ROWS]
    apart = consequences[-_N_SEPARATE_VEP_ROWS:]
    folder.mkdir(parents=True, exist_ok=True)
    files = DemoFiles(
        genes=folder / "demo.genes.tsv",
        variants=folder / "demo.variants.parquet",
        evidence=folder / "demo.evidence.parquet",
        qtl=folder / "demo.sun2018.qtl.tsv",
        intervals=folder / "demo.thurman2012.bed8",
        vep=folder / "demo.vep.jsonl",
        planted=locus.planted,
        build=BUILD,
    )
    _write_genes(files.genes, locus.genes)
    _write_variants(files.variants, locus)
    _write_evidence(files.evidence, eqtls, promoter_capture, enhancer_links, in_slice)
    _write_qtl(files.qtl, pqtls)
    write_open_chromatin(files.intervals, open_chromatin)
    _write_vep(files.vep, apart)
    return files


def _write_genes(path: Path, genes: Sequence[DemoGene]) -> None:
    header = ["chr", "gene_id", "gene_name", "start", "end", "strand", "tss", "biotype"]
    write_lines(path, [header, *([CHROM, *gene] for gene in genes)])


def _write_variants(path: Path, locus: DemoLocus) -> None:
    rows = [
        {
            "variant_id": variant.variant_id,
            "chr_id": CHROM,
            "position": variant.pos,
            "ref_allele": variant.ref,
            "alt_allele": variant.alt,
            "rs_id": variant.rsid,
            "is_lead": variant in (locus.lead, locus.distance_only_lead),
        }
        for variant in locus.variants
    ]
    _write_parquet(path, rows, _VARIANT_SCHEMA)


def _write_evidence(
    path: Path,
    eqtls: Sequence[signals.EqtlRow],
    promoter_capture: Sequence[signals.LinkRow],
    enhancer_links: Sequence[signals.LinkRow],
    consequences: Sequence[signals.VepRow],
) -> None:
    rows = [
        _evidence_row(
            row.variant, row.gene, row.feature, "eqtl", "gtex_v7",
            qtl_beta=row.beta, qtl_se=row.se, qtl_pval=row.p_value,
        )
        for row in eqtls
    ]  # fmt: skip
    for type_id, source_id, links in (
        ("pchic", "javierre2016", promoter_capture),
        ("fantom5", "andersson2014", enhancer_links),
    ):
        rows += [
            _evidence_row(
                row.variant, row.gene, row.feature, type_id, source_id, interval_score=row.score
            )
            for row in links
        ]
    for row in consequences:
        once = _evidence_row(
            row.variant, row.gene, row.term, "vep", "vep", csq_counts=row.n_transcripts
        )
        # every VEP row of the real slices is there exactly twice
        rows += [once, once]
    rows.sort(key=lambda row: (row["position"], row["variant_id"], row["gene_id"]))
    _write_parquet(path, rows, _EVIDENCE_SCHEMA)


def _evidence_row(
    variant: DemoVariant,
    gene: DemoGene,
    feature: str,
    type_id: str,
    source_id: str,
    **numbers: float,
) -> dict[str, Any]:
    """Return a row as the portal dumped it: a number that does not apply is 0, not NULL."""
    return {
        "chr_id": CHROM,
        "position": variant.pos,
        "ref_allele": variant.ref,
        "alt_allele": variant.alt,
        "variant_id": variant.variant_id,
        "rs_id": variant.rsid,
        "gene_chr": CHROM,
        "gene_id": gene.gene_id,
        "gene_start": gene.start,
        "gene_end": gene.end,
        "gene_name": gene.gene_name,
        "feature": feature,
        "type_id": type_id,
        "source_id": source_id,
        **dict.fromkeys(_NUMBERS, 0),
        **numbers,
    }


def _write_qtl(path: Path, rows: Sequence[signals.EqtlRow]) -> None:
    """Write the columns of Open Targets' molecular-trait statistics.

    Rows with p above 0.05 / num_tests are among them, as in files that were not filtered yet.
    """
    header = [
        "chrom", "pos", "ref", "alt", "rsid", "gene_id", "pval", "beta", "se", "num_tests",
        "type", "source_id", "study", "biofeature",
    ]  # fmt: skip
    lines = [
        [
            CHROM, row.variant.pos, row.variant.ref, row.variant.alt, row.variant.rsid,
            row.gene.gene_id, row.p_value, row.beta, row.se, _N_PQTL_TESTS,
            "pqtl", "sun2018", "SUN2018", row.feature,
        ]
        for row in rows
    ]  # fmt: skip
    write_lines(path, [header, *lines])


def write_open_chromatin(path: Path, intervals: Sequence[signals.Interval]) -> None:
    """Write the layout of thurman2012: promoter, symbol, distal element, score; starts 0-based."""
    contig = f"chr{CHROM}"
    write_lines(
        path,
        [
            [
                contig, interval.gene.tss - 76, interval.gene.tss + 75, interval.gene.gene_name,
                contig, interval.start - 1, interval.end, interval.score,
            ]
            for interval in intervals
        ],
    )  # fmt: skip


def _write_vep(path: Path, rows: Sequence[signals.VepRow]) -> None:
    by_variant: dict[DemoVariant, list[signals.VepRow]] = {}
    for row in rows:
        if row.variant.alt != ".":
            by_variant.setdefault(row.variant, []).append(row)
    lines = []
    for variant, consequences in sorted(by_variant.items()):
        record = {
            "input": f"{CHROM}\t{variant.pos}\t{variant.rsid}\t{variant.ref}\t{variant.alt}",
            "assembly_name": BUILD,
            "seq_region_name": CHROM,
            "start": variant.pos,
            "allele_string": f"{variant.ref}/{variant.alt}",
            "id": variant.rsid,
            "strand": 1,
            "transcript_consequences": [
                {
                    "gene_id": row.gene.gene_id,
                    "transcript_id": f"ENST99{row.gene.gene_id[-6:]}{number:03d}",
                    "consequence_terms": [row.term],
                    "impact": "MODIFIER",
                    "strand": row.gene.strand,
                    "variant_allele": variant.alt,
                }
                for row in consequences
                for number in range(1, row.n_transcripts + 1)
            ],
        }
        lines.append([json.dumps(record, sort_keys=True)])
    write_lines(path, lines)


def tab_lines(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as lines with tabs between the cells."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def write_lines(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write rows as `tab_lines`."""
    path.write_text(tab_lines(rows), encoding="utf-8", newline="\n")


def _write_parquet(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")
