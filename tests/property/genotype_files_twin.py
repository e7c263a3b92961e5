"""What a load of genotypes has to leave behind, call by call in plain Python.

Written from the VCF 4.5 and PLINK specifications and docs/formats/genotypes.md.
"""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

Key = tuple[str, int, str, str]

CONTIGS = [*map(str, range(1, 23)), "X", "Y", "MT"]
LONGEST = 300_000_000
STEPS = 16384


class Refused(Exception):
    """The file, and with it the command, is refused."""


Copies = list[Fraction | Refused | None]
"""Of each donor; what cannot be read refuses the file where somebody wants it."""


@dataclass
class Said:
    """One record of a file: its columns, and the copies of each alternative allele by donor."""

    number: int
    chrom: str
    pos: str
    name: str
    ref: str
    alts: Sequence[str]
    copies: Sequence[Copies]
    # (alternative allele, donor) of dosages beside a call that is missing
    passed_over: Sequence[tuple[str, str]] = ()
    # donors whose call has one known allele, where that is missing
    halves: Sequence[str] = ()


@dataclass
class Spoken:
    """A file: its donors and records in their order."""

    donors: Sequence[str]
    records: Sequence[Said]
    # 1 and 2 are known ones
    sexes: Sequence[int] = ()


@dataclass
class Options:
    regions: Sequence[tuple[str, int, int]] = ()
    samples: Sequence[str] | None = None
    min_maf: float | None = None
    max_maf: float | None = None
    on_duplicate: str = "error"


@dataclass
class Told:
    """What the report of one file counts."""

    n_read: int = 0
    n_loaded: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


@dataclass
class Shelf:
    """The warehouse: sexes of donors, copies by variant and donor, rs numbers of variants.

    Variants without copies are known from the variant index.
    """

    donors: dict[str, int | None] = field(default_factory=dict)
    rsids: dict[Key, str | None] = field(default_factory=dict)
    copies: dict[Key, dict[str, Fraction | None]] = field(default_factory=dict)

    def rows(self) -> dict[tuple[str, str], float | None]:
        return {
            ("_".join(map(str, key)), donor): None if copies is None else float(copies)
            for key, row in self.copies.items()
            for donor, copies in row.items()
            if copies != 0
        }

    def rare(self) -> set[str]:
        return {
            "_".join(map(str, key))
            for key, row in self.copies.items()
            if (maf := minor_frequency(row.values())) is None or maf < Fraction(5, 100)
        }


# VCF 4.4 may begin a call with its phase
HALF_CALL = re.compile(r"[/|]?(\.[/|]\d+|\d+[/|]\.)")


def read_vcf(path: Path, *, half_call: str = "missing") -> Spoken:
    """Read a VCF, plain or compressed, cell by cell."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
    donors: list[str] = []
    records = []
    for line in text.split("\n"):
        cells = line.split("\t")
        if line.startswith("#CHROM"):
            donors = cells[9:]
        if not line or line.startswith("#"):
            continue
        chrom, pos, name, ref, alt = cells[:5]
        keys = cells[8].split(":")
        alts = alt.split(",")
        copies: list[Copies] = [[] for _ in alts]
        passed_over, halves = [], []
        for donor, cell in zip(donors, cells[9:], strict=True):
            values = dict(zip(keys, cell.split(":"), strict=False))
            found: Copies = [Refused("neither")] * len(alts)
            if "DS" in keys:
                found = [stored_dosage(each) for each in ds_cells(values.get("DS", "."), len(alts))]
            if "GT" in keys:
                called = copies_of(values["GT"], len(alts), half_call)
                if half_call == "missing" and HALF_CALL.fullmatch(values["GT"]):
                    halves.append(donor)
                passed_over += [
                    (each, donor)
                    for each, dosage, call in zip(alts, found, called, strict=True)
                    if isinstance(dosage, Fraction) and call is None
                ]
                # a dosage outside of [0, 2] beside a call is wrong, too
                is_wrong = [isinstance(each, Refused) and "DS" in keys for each in found]
                found = [
                    dosage if wrong else call
                    for wrong, dosage, call in zip(is_wrong, found, called, strict=True)
                ]
            for row, each in zip(copies, found, strict=True):
                row.append(each)
        said = Said(len(records) + 1, chrom, pos, name, ref, alts, copies, passed_over, halves)
        records.append(said)
    return Spoken(donors, records)


def ds_cells(cell: str, n_alts: int) -> list[str]:
    return ["."] * n_alts if cell == "." else cell.split(",")


def copies_of(cell: str, n_alts: int, half_call: str) -> Copies:
    """Count each alternative allele in a GT."""
    alleles = re.split(r"[/|]", cell[1:] if cell[0] in "/|" else cell)
    lost = alleles.count(".")
    if len(alleles) > 2:
        return [Refused("ploidy")] * n_alts
    if any(allele != "." and int(allele) > n_alts for allele in alleles):
        return [Refused("a call of record")] * n_alts
    if lost == len(alleles) or (lost and half_call == "missing"):
        return [None] * n_alts
    return [Fraction(alleles.count(str(number))) for number in range(1, n_alts + 1)]


def stored_dosage(text: str) -> Fraction | Refused | None:
    """Return a dosage within [0, 2]; a thousandth beyond it is rounding."""
    if text == "." or math.isnan(float(text)):
        return None
    dosage = Fraction(text)
    if not Fraction(-1, 1000) <= dosage <= 2 + Fraction(1, 1000):
        return Refused("outside")
    return min(max(dosage, Fraction(0)), Fraction(2))


def read_plink1(path: Path) -> Spoken:
    """Read .bed, .bim and .fam two bits at a time."""
    fam = [line.split() for line in path.with_suffix(".fam").read_text("utf-8").splitlines()]
    content = path.read_bytes()[3:]
    n_bytes = -(-len(fam) // 4)
    copies: dict[int, Fraction | None] = {0: Fraction(2), 1: None, 2: Fraction(1), 3: Fraction(0)}
    records = []
    for place, line in enumerate(path.with_suffix(".bim").read_text().splitlines()):
        chrom, name, _, pos, a1, a2 = line.split()
        row = content[place * n_bytes : (place + 1) * n_bytes]
        calls = [copies[row[at // 4] >> 2 * (at % 4) & 3] for at in range(len(fam))]
        records.append(Said(place + 1, chrom, pos, name, a2, ["." if a1 == "0" else a1], [calls]))
    return Spoken([cells[1] for cells in fam], records, [int(cells[4]) for cells in fam])


def rs_number(name: str) -> str | None:
    return next((each for each in name.split(";") if re.fullmatch(r"rs\d+", each)), None)


def contig_of(chrom: str) -> str | None:
    bare = chrom.removeprefix("chr").removeprefix("0")
    if bare in ("XY", "25", "PAR1", "PAR2"):
        return "X"
    bare = {"23": "X", "24": "Y", "26": "MT", "M": "MT"}.get(bare, bare)
    return bare if bare in CONTIGS else None


def is_written_in(allele: str, letters: str) -> bool:
    return bool(allele) and set(allele.upper()) <= set(letters)


def fault_of_allele(ref: str, alt: str) -> str | None:
    if alt == ".":
        return "no_alternative_allele"
    if alt == "*":
        return "spanning_deletion"
    if alt in ("<NON_REF>", "<*>"):
        return "unspecified_allele"
    if alt[0] in "<." or alt[-1] == "." or "[" in alt or "]" in alt:
        return "symbolic_allele"
    return "alleles_equal" if ref.upper() == alt.upper() else None


def minor_frequency(copies: Iterable[Fraction | None]) -> Fraction | None:
    called = [each for each in copies if each is not None]
    if not called:
        return None
    frequency = sum(called) / (2 * len(called))
    return min(frequency, 1 - frequency)


def in_steps(copies: Fraction | None) -> Fraction | None:
    return None if copies is None else Fraction(round(copies * STEPS), STEPS)


def load(shelf: Shelf, files: Sequence[Spoken], options: Options) -> list[Told]:
    """Add files to the warehouse as one command does; raise `Refused` when it has to."""
    reports = []
    for spoken in files:
        told = Told(n_read=len(spoken.records))
        wanted = [d for d in spoken.donors if options.samples is None or d in options.samples]
        if len(set(wanted)) < len(wanted):
            raise Refused("occurs in columns")
        if options.samples is not None and (n := len(set(options.samples) - set(spoken.donors))):
            told.notes["sample_not_in_file"] = n
        if not wanted or (shelf.donors and set(shelf.donors) != set(wanted)):
            raise Refused("donors")
        sexes = dict(zip(spoken.donors, spoken.sexes or [0] * len(spoken.donors), strict=True))
        for donor in wanted:
            shelf.donors[donor] = shelf.donors.get(donor) or sexes[donor] or None
        before = {*shelf.rsids, *shelf.copies}
        judged = [judge(spoken.donors, record, options) for record in spoken.records]
        for record, alleles in zip(spoken.records, judged, strict=True):
            read = {alt for alt, (fault, *_) in zip(record.alts, alleles, strict=True) if not fault}
            passed_over = [each for each in record.passed_over if each[0] in read]
            told.notes.update("dosage_passed_over" for _, donor in passed_over if donor in wanted)
            if read:
                told.notes.update("half_call_missing" for donor in record.halves if donor in wanted)
            faults = [fault or place(shelf, *rest, options) for fault, *rest in alleles]
            count(told, faults)
            if int(record.pos) > LONGEST:
                stored = [f for f in faults if f is None or f.startswith("duplicate_")]
                told.notes.update(["beyond_chromosome_end"] * len(stored))
        added = shelf.copies.keys() - before
        if n := sum((chrom, pos, alt, ref) in before for chrom, pos, ref, alt in added):
            told.notes["alleles_swapped"] = n
        reports.append(told)
        refuse_unusable(told)
    if not any(told.n_loaded for told in reports) and any(
        code.startswith("outside_") for told in reports for code in told.rejected
    ):
        raise Refused("none of")
    return reports


EXPECTED = {"no_alternative_allele", "spanning_deletion", "unspecified_allele"}


def refuse_unusable(told: Told) -> None:
    """Refuse a file in which there is nothing that could have been taken."""
    left_out = ("outside_", "duplicate_")
    readable = any(code.startswith(left_out) for code in told.rejected)
    if not told.n_loaded and not readable and {*told.rejected, *told.notes} - EXPECTED:
        raise Refused("none of its")


def count(told: Told, faults: list[str | None]) -> None:
    """Count a record by what became of its alternative alleles."""
    repeats = [fault for fault in faults if fault and fault.startswith("duplicate_")]
    if None in faults:
        told.n_loaded += 1
    elif repeats:
        told.rejected[repeats[0]] += 1
        faults = [fault for fault in faults if fault not in repeats]
    else:
        told.rejected[str(faults[0])] += 1
        return
    told.notes.update(fault for fault in faults if fault)


Row = dict[str, Fraction | None]
Judged = tuple[str | None, Key, Row, str | None]


def judge(donors: Sequence[str], record: Said, options: Options) -> list[Judged]:
    """Return for each allele why it cannot be stored, or what there is to store."""
    chrom = contig_of(record.chrom)
    pos = int(record.pos)
    inside = not options.regions or any(
        chrom == contig and start <= pos <= end for contig, start, end in options.regions
    )
    fault = None
    if chrom is None:
        fault = "unknown_contig"
    elif pos < 1:
        fault = "position_below_one"
    elif not inside:
        fault = "outside_regions"
    found: list[Judged] = []
    for alt, copies in zip(record.alts, record.copies, strict=True):
        problem = fault or fault_of_allele(record.ref, alt)
        row: Row = {}
        for donor, each in zip(donors, copies, strict=True):
            if problem is None and (options.samples is None or donor in options.samples):
                if isinstance(each, Refused):
                    raise each
                row[donor] = in_steps(each)
        key = (str(chrom), pos, record.ref.upper(), alt.upper())
        found.append((problem, key, row, rs_number(record.name)))
    return found


def place(shelf: Shelf, key: Key, row: Row, rsid: str | None, options: Options) -> str | None:
    if not is_frequent(row, options):
        return "outside_maf"
    return shelve(shelf, key, row, rsid, options.on_duplicate)


def is_frequent(row: Row, options: Options) -> bool:
    if options.min_maf is None and options.max_maf is None:
        return True
    maf = minor_frequency(row.values())
    # a frequency is compared with the fraction that the option's text says
    least = Fraction(str(options.min_maf or 0))
    return maf is not None and maf >= least and (
        options.max_maf is None or maf < Fraction(str(options.max_maf))
    )  # fmt: skip


def shelve(
    shelf: Shelf,
    key: Key,
    row: Row,
    rsid: str | None,
    on_duplicate: str,
) -> str | None:
    there = shelf.copies.get(key)
    if there is None:
        shelf.copies[key] = row
        shelf.rsids[key] = shelf.rsids.get(key) or rsid
        return None
    if on_duplicate == "error":
        raise Refused("occurs|stands in record")
    if on_duplicate == "first":
        return "duplicate_left_out"
    for donor, copies in row.items():
        if there[donor] is None:
            there[donor] = copies
        elif copies is not None and copies != there[donor]:
            raise Refused("calls of")
    return "duplicate_merged"
