"""What a VCF header says about the genome build."""

from __future__ import annotations

import re
from collections.abc import Iterable

from varhouse.ingest.builds import CHROMOSOME_LENGTHS, known_build

_CONTIG = re.compile(r"##contig=<(?:.*,)?ID=(?:chr)?(?P<id>[0-9XY]+)(?=[,>])", re.IGNORECASE)
_LENGTH = re.compile(r"[<,]length=(?P<length>[0-9]+)")
_ASSEMBLY = re.compile(r'[<,]assembly="?(?P<assembly>[^",>]+)')


def build_of_header(lines: Iterable[str]) -> str | None:
    """Return the build that the ``##contig`` lines of a VCF header state, or None.

    A length counts more than a name: names are copied along when a file is lifted over. Contigs
    of both builds, or of neither, state nothing.

    Examples
    --------
    >>> build_of_header(["##contig=<ID=chr22,length=50818468>"])
    'GRCh38'
    """
    lengths, names = set[str](), set[str]()
    for line in lines:
        contig = _CONTIG.match(line)
        if contig is None:
            continue
        length, assembly = _LENGTH.search(line), _ASSEMBLY.search(line)
        if length:
            lengths |= {
                build
                for build, known in CHROMOSOME_LENGTHS.items()
                if known.get(contig["id"].upper()) == int(length["length"])
            }
        named = known_build(assembly["assembly"]) if assembly else None
        if named:
            names.add(named)
    stated = lengths or names
    return stated.pop() if len(stated) == 1 else None
