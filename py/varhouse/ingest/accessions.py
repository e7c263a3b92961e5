"""Contigs by their accessions: ``NC_000021.9`` is chromosome 21 of GRCh38."""

from __future__ import annotations

import functools
import re

from varhouse.ingest.builds import CHROMOSOMES

# RefSeq numbers the chromosomes NC_000001 to NC_000024 and GenBank CM000663 to CM000686; the
# version after the dot tells the build. These are the RefSeq versions of 1..22, X, Y in the
# assembly reports of GCF_000001405.13 and .26; GenBank's are 1 and 2 throughout.
_REFSEQ_VERSIONS = {
    "GRCh37": (10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10,
               10, 9),
    "GRCh38": (11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9,
               11, 11, 10),
}  # fmt: skip
_GENBANK_VERSIONS = {"GRCh37": 1, "GRCh38": 2}
_FIRST_GENBANK = 663
_MITOCHONDRIAL = ("NC_012920.1", "J01415.2")


@functools.cache
def accessions() -> dict[str, tuple[str, str | None]]:
    """Return accession -> (chromosome, build); no build for the mitochondrion, alike in both.

    Examples
    --------
    >>> accessions()["NC_000021.9"], accessions()["CM000663.1"]
    (('21', 'GRCh38'), ('1', 'GRCh37'))
    """
    found: dict[str, tuple[str, str | None]] = dict.fromkeys(_MITOCHONDRIAL, ("MT", None))
    for build, versions in _REFSEQ_VERSIONS.items():
        for number, version in enumerate(versions):
            chrom = CHROMOSOMES[number]
            found[f"NC_{number + 1:06}.{version}"] = (chrom, build)
            genbank = f"CM{number + _FIRST_GENBANK:06}.{_GENBANK_VERSIONS[build]}"
            found[genbank] = (chrom, build)
    return found


_IN_A_CELL = re.compile(r"(?:^|[\t, ])((?:NC_0|CM000)[0-9]+\.[0-9]+)(?=[\t, \r\n]|$)", re.MULTILINE)


def build_of_accessions(text: str) -> str | None:
    """Return the build that the accessions in the cells of a table belong to.

    None when there are none, or those of two builds.

    Examples
    --------
    >>> build_of_accessions("contig\\tpos\\nNC_000021.9\\t5\\n")
    'GRCh38'
    """
    known = accessions()
    builds = {known[name][1] for name in _IN_A_CELL.findall(text) if name in known} - {None}
    return builds.pop() if len(builds) == 1 else None
