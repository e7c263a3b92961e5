"""Lines of gene models, written by hand."""

from __future__ import annotations


def gtf(feature: str, start: int, end: int, strand: str = "+", contig: str = "22", **said: str):
    """Return a GTF line; ``tag`` may hold several, separated by spaces."""
    pairs = [
        f'{name} "{value}";'
        for name, text in said.items()
        for value in (text.split() if name == "tag" else [text])
    ]
    return "\t".join(
        [contig, "test", feature, str(start), str(end), ".", strand, ".", " ".join(pairs)]
    )


def gff3(feature: str, start: int, end: int, strand: str = "+", contig: str = "22", **said: str):
    """Return a GFF3 line."""
    words = ";".join(f"{name}={value}" for name, value in said.items())
    return "\t".join([contig, "test", feature, str(start), str(end), ".", strand, ".", words])
