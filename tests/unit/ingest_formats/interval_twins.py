"""Slow, obvious readers of interval files: the csv module and one row after the other."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from typing import Any

from small_warehouse import GENES

CONTIGS = {str(number) for number in range(1, 23)} | {"X", "Y", "MT"}
RESULT = ("chrom", "start_pos", "end_pos", "gene_id", "feature", "score")


def lines_of(text: str) -> Iterable[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith(("#", "track", "browser")):
            yield number, next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))


def bare(contig: str) -> str | None:
    name = contig.removeprefix("chr")
    name = {"M": "MT", "23": "X", "24": "Y", "26": "MT"}.get(name, name)
    return name if name in CONTIGS else None


def whole(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None


def gene_of(symbol: str, chrom: str | None) -> tuple[tuple[Any, ...] | None, str | None]:
    bearers = [gene for gene in GENES if gene[1].upper() == symbol.upper()]
    if len(bearers) > 1:
        near = [gene for gene in bearers if gene[2] == chrom]
        return (near[0], None) if len(near) == 1 else (None, "ambiguous_gene_symbol")
    return (bearers[0], None) if bearers else (None, "unknown_gene")


def judged(
    contig: str, start: str, end: str, score: str, *, gene_fault: str | None, gene: str | None
) -> tuple[dict[str, Any], str | None]:
    """Return a row of 0-based text with the first fault that is found."""
    first, last, chrom = whole(start), whole(end), bare(contig)
    row: dict[str, Any] = {
        "chrom": chrom,
        "start_pos": None if first is None else first + 1,
        "end_pos": last,
        "gene_id": gene,
    }
    absent = score.strip().lower() in ("", "na", "#na", "n/a", ".", "-", "null", "none", "nan")
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    row["score"] = value if math.isfinite(value) else None
    if first is None or last is None:
        return row, "interval_unreadable"
    if first > last:
        return row, "start_after_end"
    if first == last:
        return row, "zero_length"
    if chrom is None:
        return row, "unknown_contig"
    if gene_fault in ("gene_id_missing", "gene_id_not_ensembl"):
        return row, gene_fault
    if absent:
        return row, "score_missing"
    if math.isnan(value):
        return row, "score_not_a_number"
    if math.isinf(value):
        return row, "score_not_finite"
    return row, gene_fault


def without_repeats(
    rows: list[tuple[int, dict[str, Any], str | None]],
) -> list[tuple[int, dict[str, Any], str | None]]:
    best: dict[tuple[Any, ...], tuple[float, int]] = {}
    for line, row, fault in rows:
        if fault is None:
            key = tuple(row[name] for name in RESULT[:5])
            best[key] = max(best.get(key, (-math.inf, 0)), (row["score"], -line))
    kept = {-line for _, line in best.values()}
    return [
        (line, row, "duplicate_row" if fault is None and line not in kept else fault)
        for line, row, fault in rows
    ]


def fantom5(text: str) -> list[tuple[int, dict[str, Any], str | None]]:
    rows = []
    for line, cells in lines_of(text):
        if len(cells) < 4:
            rows.append((line, {}, "ragged_row"))
            continue
        parts = cells[3].split(";")
        if len(parts) < 4 or not parts[3].startswith("R:"):
            rows.append((line, {}, "interval_unreadable"))
            continue
        contig, _, span = parts[0].partition(":")
        start, _, end = span.partition("-")
        if not (contig and start.isdigit() and end.isdigit() and parts[2] and parts[3][2:]):
            rows.append((line, {}, "interval_unreadable"))
            continue
        gene, fault = gene_of(parts[2], bare(contig))
        row, fault = judged(
            contig, start, end, parts[3][2:], gene_fault=fault, gene=gene and gene[0]
        )
        row["feature"] = "aggregate"
        if row["score"] is not None:
            row["score"] = row["score"] * row["score"]
        if fault is None and gene is not None:
            tss = gene[3] if gene[5] == 1 else gene[4]
            if gene[2] != row["chrom"]:
                fault = "other_chromosome"
            elif not abs((row["start_pos"] + row["end_pos"]) / 2 - tss) < 1068265.6:
                fault = "too_far_from_gene"
        rows.append((line, row, fault))
    return without_repeats(rows)


def thurman(text: str) -> list[tuple[int, dict[str, Any], str | None]]:
    rows = []
    for line, cells in lines_of(text):
        if len(cells) < 8:
            rows.append((line, {}, "ragged_row"))
            continue
        gene, fault = gene_of(cells[3], bare(cells[4]))
        row, fault = judged(
            cells[4], cells[5], cells[6], cells[7], gene_fault=fault, gene=gene and gene[0]
        )
        rows.append((line, row | {"feature": "unspecified"}, fault))
    return without_repeats(rows)


def bed(text: str) -> list[tuple[int, dict[str, Any], str | None]]:
    rows = []
    for line, cells in lines_of(text):
        if len(cells) < 3:
            rows.append((line, {}, "ragged_row"))
            continue
        cells += [""] * (5 - len(cells))
        gene = cells[3].split(".")[0] if cells[3].startswith("ENS") else cells[3]
        fault = None
        if gene in ("", "-", "NA"):
            gene, fault = "", "gene_id_missing"
        elif not (gene.startswith("ENSG") and gene[4:].isdigit()):
            fault = "gene_id_not_ensembl"
        row, fault = judged(*cells[:3], cells[4], gene_fault=fault, gene=gene or None)
        rows.append((line, row | {"feature": "unspecified"}, fault))
    return without_repeats(rows)
