"""Gene models of random worlds in the style of every source against a slow twin."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.loading import load_one
from tests.property.gene_model_worlds import (
    STYLES,
    Gene,
    Transcript,
    has_bare_exons,
    random_genes,
    refseq_id,
)

SEEDS = range(3)
MORE_SEEDS = range(3, 60)
# docs/formats/genes.md: which transcript stands for its gene
ORDER = ("Ensembl_canonical", "MANE_Select", "RefSeq Select", "appris_principal_1",
         "appris_principal_2", "appris_principal_3", "appris_principal_4")  # fmt: skip
WITHOUT_TAGS = ("UCSC GTF", "Table Browser GTF", "exon-only GTF")
GENE = ("gene_id", "gene_version", "gene_name", "chrom", "start_pos", "end_pos", "strand",
        "tss_pos", "canonical_tss_pos", "biotype", "synonyms")  # fmt: skip
TRANSCRIPT = ("transcript_id", "transcript_version", "gene_id", "chrom", "start_pos", "end_pos",
              "strand", "tss_pos", "biotype", "is_canonical", "is_mane_select")  # fmt: skip


def tags_in(style: str, transcript: Transcript) -> tuple[str, ...]:
    """The tags that a style writes, RefSeq's under its own words."""
    if style.startswith("RefSeq"):
        if "MANE_Select" in transcript.tags:
            return ("MANE_Select",)
        return ("RefSeq Select",) if "Ensembl_canonical" in transcript.tags else ()
    return () if style in WITHOUT_TAGS else transcript.tags


def canonical_of(style: str, gene: Gene) -> Transcript | None:
    for tag in ORDER:
        tagged = [each for each in gene.transcripts if tag in tags_in(style, each)]
        if tagged:
            return min(tagged, key=lambda each: (each.start - each.end, ids_of(style, gene, each)))
    return None


def ids_of(style: str, gene: Gene, transcript: Transcript) -> tuple[str, int | None]:
    """The id of a transcript, and its version where the id loses it."""
    if style in ("UCSC GTF", "Table Browser GTF"):
        return refseq_id(transcript)[:-2], None
    if style.startswith("RefSeq"):
        return refseq_id(transcript) + ("_1" if gene.is_copy and "GTF" in style else ""), None
    version = None if style == "exon-only GTF" else transcript.version
    return f"ENST{transcript.number:011d}", version


def tss(gene: Gene, one: Any) -> int:
    return int(one.start if gene.strand == "+" else one.end)


def as_told(style: str, gene: Gene) -> list[Gene]:
    """The gene as far as the style tells of it: one of its own for each transcript, or without."""
    if style == "RefSeq GFF3" and has_bare_exons(gene):
        return [replace(gene, transcripts=())]
    if style != "Table Browser GTF":
        return [gene]
    return [
        replace(gene, number=each.number, start=each.start, end=each.end, transcripts=(each,))
        for each in gene.transcripts
    ]


def expected(style: str, genes: list[Gene]) -> tuple[list[Any], list[Any]]:
    genes = [told for gene in genes for told in as_told(style, gene)]
    told_mane = any("MANE_Select" in tags_in(style, t) for g in genes for t in g.transcripts)
    found, transcripts = [], []
    on_x = {gene.number for gene in genes if gene.chrom == "X"}
    for gene in genes:
        if gene.chrom is None:
            continue
        copy = "_PAR_Y" if gene.chrom == "Y" and gene.number in on_x else ""
        key, version = gene.ensembl, gene.version
        name: str | None = gene.name
        biotype: str | None = gene.biotype
        synonyms: list[str] | None = None
        if style.startswith("RefSeq"):
            key, version = gene.entrez, None
            name = gene.name or f"LOC{gene.number}"
            synonyms = sorted(gene.synonyms) or None
        elif style == "UCSC GTF":
            key, version, name, biotype = f"SYM{gene.number}", None, f"SYM{gene.number}", None
        elif style == "Table Browser GTF":
            key, version, name, biotype = refseq_id(gene.transcripts[0])[:-2], None, None, None
        elif style == "exon-only GTF":
            version = None
        canonical = canonical_of(style, gene)
        sign = 1 if gene.strand == "+" else -1
        found.append((key + copy, version, name, gene.chrom, gene.start, gene.end, sign,
                      tss(gene, gene), canonical and tss(gene, canonical), biotype,
                      synonyms))  # fmt: skip
        for each in gene.transcripts:
            own, own_version = ids_of(style, gene, each)
            kind: str | None = each.biotype
            if style in WITHOUT_TAGS:
                kind = None
            elif style == "RefSeq GFF3":
                kind = {"protein_coding": "mRNA", "miRNA": "primary_transcript"}.get(
                    each.biotype, "transcript"
                )
            is_mane = "MANE_Select" in tags_in(style, each) if told_mane else None
            transcripts.append((own + copy, own_version, key + copy, gene.chrom, each.start,
                                each.end, sign, tss(gene, each), kind,
                                each is canonical if canonical else None, is_mane))  # fmt: skip
    return sorted(found), sorted(transcripts)


def written(chance: random.Random, folder: Path, style: str, genes: list[Gene]) -> Path:
    lines = [line for gene in genes for line in STYLES[style](gene)]
    match chance.choice(["as is", "sorted", "shuffled"]):
        case "sorted":
            lines.sort(key=lambda line: (line.split("\t")[0], int(line.split("\t")[3])))
        case "shuffled":
            chance.shuffle(lines)
    if style.endswith("GFF3") and chance.random() < 0.5:
        lines.insert(len(lines) // 2, "###")
    top = ["##gff-version 3"] if style.endswith("GFF3") else ["#!genome-build GRCh38.p14"]
    text = "\n".join([*top, *lines, ""]) + chance.choice(["", "\n"])
    if chance.random() < 0.3:
        text = text.replace("\n", "\r\n")
    suffix = style.split()[-1].lower()
    if chance.random() < 0.3:
        path = folder / f"model.{suffix}.gz"
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path = folder / f"model.{suffix}"
        path.write_bytes(text.encode())
    return path


def compare(con: duckdb.DuckDBPyConnection, style: str, seed: int, folder: Path) -> None:
    chance = random.Random(f"{style} {seed}")
    for table in ("raw.genes", "raw.transcripts", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")
    genes = random_genes(chance, chance.randint(1, 30))
    if all(gene.chrom is None for gene in genes):
        return
    path = written(chance, folder, style, genes)
    report = load_one(con, "genes", path, build="GRCh38")
    assert report.format == path.name.split(".")[1]
    wanted, wanted_transcripts = expected(style, genes)
    found = con.execute(f"select {', '.join(GENE)} from raw.genes order by gene_id").fetchall()
    assert found == wanted
    rows = con.execute(f"select {', '.join(TRANSCRIPT)} from raw.transcripts").fetchall()
    assert sorted(rows) == wanted_transcripts


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", SEEDS)
def test_genes_and_transcripts_are_those_of_the_twin(
    con: duckdb.DuckDBPyConnection, style: str, seed: int, tmp_path: Path
) -> None:
    compare(con, style, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_genes_and_transcripts_of_more_worlds(
    con: duckdb.DuckDBPyConnection, style: str, seed: int, tmp_path: Path
) -> None:
    compare(con, style, seed, tmp_path)
