"""The genome build that a GTF or GFF3 file states, and whether its contigs agree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from varhouse.errors import DataError
from varhouse.ingest.accessions import accessions
from varhouse.ingest.builds import CHROMOSOME_LENGTHS, known_build
from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import head_lines

_IN_WORDS = re.compile(r"\b(GRCh3[78]|hg19|hg38)(?:\.p\d+)?\b")
_OTHER = re.compile(r"\b(?:T2T-CHM13\w*|NCBI36|hg18|GRC(?!h3[78])[a-z]\d+)")
_UCSC_TRACK = re.compile(r"(hg19|hg38)_")
# Lines that are a whole contig: GFF3's directive, and Ensembl's and RefSeq's own features.
_WHOLE_CONTIG = ("chromosome", "region")


def stated_build(source: SourceFile) -> str | None:
    """Return the build that the head of a gene model states in words or shows by its contigs.

    Raises
    ------
    DataError
        Its words and its contigs are of different builds, or its words are of another assembly.
    """
    found: dict[str, str] = {}
    lines = head_lines(source.path)
    for number, line in enumerate(lines, start=1):
        other = _OTHER.search(line) if line.startswith("#") else None
        if other and not _IN_WORDS.search(line):
            raise DataError(
                f"{source.path}, line {number}: gene models of {other[0]}; those of GRCh37 and "
                "GRCh38 can be loaded."
            )
    for build, says in _statements(lines):
        found.setdefault(build, says)
    if len(found) > 1:
        told = " and ".join(f"{build} ({says})" for build, says in sorted(found.items()))
        raise DataError(f"{source.path}: states two genome builds, {told}.")
    return next(iter(found), None)


def _statements(lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        if line.startswith("##sequence-region"):
            name, _, end = (line.split()[1:4] + [""] * 3)[:3]
            yield from _by_contig(name, end, number)
        elif line.startswith("#"):
            # "mapped to GRCh37 from GRCh38" would be two names: then nothing is stated
            names = {known_build(name) for name in _IN_WORDS.findall(line)} - {None}
            if len(names) == 1:
                yield str(names.pop()), f"line {number}"
        else:
            yield from _by_feature(line.split("\t"), number)


def _by_feature(cells: list[str], number: int) -> Iterator[tuple[str, str]]:
    if len(cells) < 5:
        return
    track = _UCSC_TRACK.match(cells[1])
    build = known_build(track[1] if track else cells[1])
    if build:
        yield build, f"line {number}, column 2"
    end = cells[4] if cells[2] in _WHOLE_CONTIG and cells[3] == "1" else ""
    yield from _by_contig(cells[0], end, number)


def _by_contig(name: str, length: str, number: int) -> Iterator[tuple[str, str]]:
    """Yield the build of an accession, or the only one whose chromosome has the length."""
    chrom, build = accessions().get(name, (name.removeprefix("chr"), None))
    if build:
        yield build, f"line {number}, {name}"
    fitting = [
        known
        for known, lengths in CHROMOSOME_LENGTHS.items()
        if length.isdigit() and lengths.get(chrom) == int(length)
    ]
    if len(fitting) == 1:
        yield fitting[0], f"line {number}, length of {name}"
