"""What became of the records of a genotype file, by reason."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varhouse.ingest.format import Issue
from varhouse.ingest.genotypes.block import Sites


@dataclass
class _Count:
    n: int
    record: int
    example: str


@dataclass
class Tally:
    """Counts records read, and what was left out of them, a block at a time.

    A record is rejected when none of its alternative alleles is kept; alleles left out of a record
    that stays are counted as notes, one for each allele.

    Attributes
    ----------
    n_read
        Records seen in blocks that are finished.
    """

    n_read: int = 0
    _counts: dict[tuple[str, bool], _Count] = field(default_factory=dict)
    _sites: Sites | None = None
    _rejected: list[tuple[int, str]] = field(default_factory=list)
    _noted: list[tuple[int, str]] = field(default_factory=list)

    def see(self, sites: Sites) -> None:
        """Begin a block; the one before is counted."""
        self.finish()
        self._sites = sites

    def reject(self, place: int, code: str) -> None:
        """Leave a row of the block out."""
        self._rejected.append((place, code))

    def note(self, place: int, code: str) -> None:
        """Keep a row of the block with a warning."""
        self._noted.append((place, code))

    def finish(self) -> None:
        """Count the block; its rows that are not rejected are kept."""
        sites = self._sites
        if sites is None:
            return
        is_kept = np.ones(len(sites), dtype=np.bool_)
        is_kept[[place for place, _ in self._rejected]] = False
        kept = np.unique(sites.record[is_kept])
        self.n_read += len(np.unique(sites.record))
        self._count_rejected(sites, kept)
        for place, code in self._noted:
            if is_kept[place]:
                self._count(sites, place, code, is_reject=False)
        self._sites, self._rejected, self._noted = None, [], []

    def _count_rejected(self, sites: Sites, kept: NDArray[np.int64]) -> None:
        stays = set(kept.tolist())
        gone = set[int]()
        for place, code in sorted(self._rejected):
            record = int(sites.record[place])
            if record in stays:
                self._count(sites, place, code, is_reject=False)
            elif record not in gone:
                gone.add(record)
                self._count(sites, place, code, is_reject=True)

    def _count(self, sites: Sites, place: int, code: str, *, is_reject: bool) -> None:
        found = self._counts.get((code, is_reject))
        if found is None:
            example = f"chrom={sites.chrom[place][:40]}, pos={sites.pos[place]}"
            record = int(sites.record[place])
            self._counts[(code, is_reject)] = _Count(1, record, example)
        else:
            found.n += 1

    def issues(self) -> list[Issue]:
        """Return the counts, rejects first."""
        return [
            Issue(
                line=count.record,
                code=code,
                n=count.n,
                example=count.example,
                is_reject=is_reject,
            )
            for (code, is_reject), count in sorted(
                self._counts.items(), key=lambda item: (not item[0][1], item[0][0])
            )
        ]
