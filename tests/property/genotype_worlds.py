"""Small awkward cohorts from a seed, and the files that say the same of them in every format."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.property.genotype_files_twin import Said, Spoken
from tests.unit.ingest_formats.bgen_files import Record, bgen_bytes

Call = tuple[int | None, ...]
"""Allele numbers of one donor at one site, None for a missing one."""

NAMES = [
    "001",
    "1",
    "NA12878",
    "Ana Maria",
    "Zoë",
    "東京-1",
    "d_7",
    "x.y",
    "#5",
    "a;b",
    "-9",
    "D,E",
]
CONTIGS = ["1", "2", "10", "21", "22", "X", "Y", "MT"]
STRANGE = ["GL000192.1", "Un_KI270742v1", "6_cox_hap2", "0"]
BASES = "ACGT"


@dataclass(frozen=True)
class Site:
    """One record: what stands in its columns, and a call or a dosage for each donor."""

    chrom: str
    pos: int
    ref: str
    alts: tuple[str, ...]
    calls: tuple[Call, ...]
    name: str = "."
    # of each donor a text for each alternative allele; None where there is no DS
    dosages: tuple[tuple[str, ...], ...] | None = None
    has_gt: bool = True
    status: str = "PASS"


@dataclass(frozen=True)
class World:
    donors: tuple[str, ...]
    sexes: tuple[int, ...]
    sites: tuple[Site, ...] = field(repr=False)


def random_world(
    chance: random.Random,
    *,
    n_donors: int | None = None,
    n_sites: int | None = None,
    repeats: bool = False,
    is_plain: bool = False,
) -> World:
    """Return a cohort; a plain one has two bases a site and diploid calls, for every format."""
    n_donors = n_donors or chance.randint(5, 30)
    names = chance.sample(NAMES, min(len(NAMES), n_donors // 2))
    names += [f"S{number}" for number in range(n_donors - len(names))]
    chance.shuffle(names)
    prefix = chance.choice(["", "chr"])
    contigs = [prefix + each for each in chance.sample(CONTIGS, chance.randint(1, 4))]
    sites: list[Site] = []
    taken: set[tuple[str, int, str, str]] = set()
    pos = 0
    while len(sites) < (n_sites or chance.randint(20, 80)):
        pos += chance.choice([0, 1, 1, 5, 400])
        site = random_site(chance, chance.choice(contigs), max(pos, 1), n_donors, is_plain)
        if not is_plain and chance.random() < 0.03:
            site = replace(site, chrom=prefix + chance.choice(STRANGE))
        if not is_plain and chance.random() < 0.02:
            site = replace(site, pos=chance.choice([0, 400_000_000]))
        keys = {(site.chrom, site.pos, site.ref.upper(), alt.upper()) for alt in site.alts}
        if len(keys) == len(site.alts) and not keys & taken:
            taken |= keys
            sites.append(site)
    if repeats:
        for site in chance.sample(sites, 4):
            sites.insert(chance.randrange(len(sites)), repeated(chance, site))
    if chance.random() < 0.7 and not repeats:
        sites.sort(key=lambda site: (contigs.index(site.chrom) if site.chrom in contigs else 99,
                                     site.pos))  # fmt: skip
    sexes = tuple(chance.choice([0, 1, 2]) for _ in names)
    return World(tuple(names), sexes, tuple(sites))


def repeated(chance: random.Random, site: Site) -> Site:
    """Return the site again: as it is, with fewer calls, with others, with one allele less."""
    way = chance.choice(["same", "fewer", "fewer", "other", "fewer alleles"])
    if way == "same":
        return site
    if way == "other":
        order = list(zip(site.calls, site.dosages or site.calls, strict=True))
        chance.shuffle(order)
        calls, dosages = zip(*order, strict=True)
        return replace(site, calls=calls, dosages=dosages if site.dosages else None)
    if way == "fewer alleles" and len(site.alts) > 1 and site.has_gt:
        calls = tuple(
            tuple(None if a is not None and a >= len(site.alts) else a for a in call)
            for call in site.calls
        )
        dosages = site.dosages and tuple(each[:-1] for each in site.dosages)
        return replace(site, alts=site.alts[:-1], calls=calls, dosages=dosages)
    lost = [chance.random() < 0.3 for _ in site.calls]
    cells = zip(lost, site.calls, strict=True)
    return replace(
        site,
        name=chance.choice([site.name, ".", "rs77"]),
        calls=tuple((None, None) if gone else call for gone, call in cells),
        dosages=site.dosages
        and tuple(
            (".",) * len(each) if gone else each
            for gone, each in zip(lost, site.dosages, strict=True)
        ),
    )  # fmt: skip


def random_site(chance: random.Random, chrom: str, pos: int, n_donors: int, is_plain: bool) -> Site:
    ref = "".join(chance.choices(BASES, k=chance.choice([1, 1, 1, 2, 4])))
    if is_plain:
        alts: tuple[str, ...] = (chance.choice([base for base in BASES if base != ref]),)
    else:
        ref, alts = awkward_alleles(chance, ref)
    n_alts = 0 if alts == (".",) else len(alts)
    rate = chance.choice([0, 0.02, 0.02, 0.1, 0.5, 0.97, 1])
    missing = chance.choice([0, 0, 0.1, 0.5, 1] if chance.random() < 0.5 else [0, 0.05])
    haploid = 0 if is_plain else chance.choice([0, 0, 0, 0.3, 1])
    half = 0 if is_plain else chance.choice([0, 0, 0.1])
    calls = []
    for _ in range(n_donors):
        call: Call = tuple(
            chance.randint(1, n_alts) if n_alts and chance.random() < rate else 0
            for _ in range(1 if chance.random() < haploid else 2)
        )
        if chance.random() < missing:
            call = (None,) * len(call)
        elif len(call) == 2 and chance.random() < half:
            call = chance.choice([(None, call[1]), (call[0], None)])
        calls.append(call)
    site = Site(chrom, pos, ref, alts, tuple(calls), chance.choice([".", f"rs{pos}", "rs5;v", "v"]))
    if is_plain:
        return site
    site = replace(site, status=chance.choice([".", "PASS", "PASS", "q10", "q10;s50"]))
    if chance.random() < 0.2:
        dosages = tuple(
            (".",) * max(n_alts, 1) if chance.random() < missing else random_dosages(chance, n_alts)
            for _ in range(n_donors)
        )
        site = replace(site, dosages=dosages, has_gt=chance.random() < 0.4)
    return site


def random_dosages(chance: random.Random, n_alts: int) -> tuple[str, ...]:
    odd = [
        "0",
        "0.0",
        "2",
        "1",
        "1e-5",
        "2.0004",
        "-0.0004",
        "nan",
        "0.3333",
        "1.99999",
        "4e-1",
        ".",
    ]
    return tuple(
        chance.choice(odd) if chance.random() < 0.3 else f"{chance.betavariate(0.3, 1) * 2:.3f}"
        for _ in range(max(n_alts, 1))
    )  # fmt: skip


def awkward_alleles(chance: random.Random, ref: str) -> tuple[str, tuple[str, ...]]:
    """Return alleles with everything that the VCF specification lets stand there."""
    if chance.random() < 0.05:
        return ref, (".",)
    other = chance.choice([base for base in BASES if base != ref[0]])
    pool = [
        other,
        other + ref[1:],
        ref + "A",
        ref + "CT",
        ref[0],
        other * len(ref),
        (other + "T").lower(),
        ref[0] + "N",
        "N",
    ]
    special = ["*", "<DEL>", "<NON_REF>", "<*>", "<INS:ME:ALU>", "<CN0>"]
    base = ref[0]
    special += [
        f"{base}]17:198982]",
        f"[17:198983[{base}",
        f".{base}",
        f"{base}.",
        f"]<c>:3]{base}",
    ]
    n_alts = chance.choice([1, 1, 1, 1, 2, 3, 11])
    alts: list[str] = []
    for each in chance.sample(pool * 2 + (special * 2 if chance.random() < 0.3 else []), n_alts):
        if each.upper() not in {alt.upper() for alt in alts} and (
            each.upper() != ref.upper() or chance.random() < 0.2
        ):
            alts.append(each)
    if chance.random() < 0.1:
        ref = chance.choice([ref.lower(), "N" + ref[1:]])
    return ref, tuple(alts or [ref + "G"])


def write_vcf_text(
    chance: random.Random, path: Path, world: World, *, may_prefix: bool = True
) -> Path:
    """Write a VCF in one of its spellings; the suffix says how it is compressed.

    ``may_prefix`` lets the first allele have a mark of phase, as of version 4.4.
    """
    version = chance.choice(["VCFv4.2", "VCFv4.3", "VCFv4.5"])
    contigs = dict.fromkeys(site.chrom for site in world.sites)
    lines = [
        f"##fileformat={version}",
        *(f"##contig=<ID={contig}>" for contig in contigs),
        '##FILTER=<ID=q10,Description="low">', '##FILTER=<ID=s50,Description="few">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        '##FORMAT=<ID=FT,Number=1,Type=String,Description="Filter">',
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT",
                   *world.donors]),
    ]  # fmt: skip
    for site in world.sites:
        keys = ["GT"] * site.has_gt + ["DS"] * (site.dosages is not None)
        extra = chance.choice([[], [], ["DP"], ["DP", "FT"]])
        if site.has_gt and chance.random() < 0.3:
            keys = [keys[0], *extra, *keys[1:]]
        else:
            keys += extra
        prefix = may_prefix and chance.random() < 0.3 and version == "VCFv4.5"
        cells = [
            sample_cell(chance, keys, call, site.dosages and site.dosages[place], prefix=prefix)
            for place, call in enumerate(site.calls)
        ]
        fixed = [site.chrom, str(site.pos), site.name, site.ref, ",".join(site.alts), ".",
                 site.status, ".", ":".join(keys)]  # fmt: skip
        lines.append("\t".join([*fixed, *cells]))
    text = "\n".join([*lines, ""]).encode()
    if path.suffix == ".gz":
        text = bgzf(text, chance.choice([300, 60_000]))
    path.write_bytes(text)
    return path


def sample_cell(
    chance: random.Random,
    keys: Sequence[str],
    call: Call,
    dosages: tuple[str, ...] | None,
    *,
    prefix: bool,
) -> str:
    mark = chance.choice("/|")
    text = mark.join("." if allele is None else str(allele) for allele in call)
    if set(call) == {None} and chance.random() < 0.2:
        text = "."
    elif prefix:
        text = chance.choice("/|") + text
    values = {"GT": text, "DP": chance.choice(["7", "."]), "FT": chance.choice(["PASS", "q10"])}
    if dosages is not None:
        values["DS"] = "." if set(dosages) == {"."} else ",".join(dosages)
    cells = [values[key] for key in keys]
    while len(cells) > 1 and cells[-1] in (".", "7") and chance.random() < 0.5:
        cells.pop()
    return ":".join(cells)


def bgzf(text: bytes, n_block: int) -> bytes:
    """Return the text as BGZF: gzip members that tell their length, the last of them empty."""
    found = b""
    for piece in [*(text[at : at + n_block] for at in range(0, len(text), n_block)), b""]:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = packer.compress(piece) + packer.flush()
        found += struct.pack("<4BI2BH2B2H", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(data) + 25)
        found += data + struct.pack("<II", zlib.crc32(piece), len(piece))
    return found


def as_bcf(path: Path) -> Path:
    """Return the BCF that htslib makes of a VCF."""
    import cyvcf2

    target = path.with_suffix(".bcf")
    source = cyvcf2.VCF(str(path))
    writer = cyvcf2.Writer(str(target), source, mode="wb")
    for record in source:
        writer.write_record(record)
    writer.close()
    source.close()
    return target


def split(world: World) -> World:
    """Return the world of two alleles a site: one site for each alternative allele."""
    sites = []
    for site in world.sites:
        for number, alt in enumerate(site.alts, start=1):
            calls = tuple(
                tuple(None if a is None else int(a == number) for a in call) for call in site.calls
            )
            dosages = site.dosages and tuple((each[number - 1],) for each in site.dosages)
            sites.append(replace(site, alts=(alt,), calls=calls, dosages=dosages))
    return replace(world, sites=tuple(sites))


def without_blanks(world: World) -> World:
    """Return the world with names that a table split at blanks can hold."""
    names = [name.replace(" ", "_").replace("#", "h") for name in world.donors]
    return replace(world, donors=tuple("m9" if name == "-9" else name for name in names))


def called(call: Call) -> Call | None:
    """Return a call as a format of whole diploid calls holds it."""
    if None in call:
        return None
    return call * 2 if len(call) == 1 else call


def write_plink1(path: Path, world: World) -> Path:
    """Write .bed, .bim and .fam: A1 is the alternative allele; no call is half or haploid."""
    bits = {2: 0b00, None: 0b01, 1: 0b10, 0: 0b11}
    content = bytearray(b"\x6c\x1b\x01")
    for site in world.sites:
        calls = [called(call) for call in site.calls]
        codes = [bits[None if call is None else sum(call)] for call in calls]
        for start in range(0, len(codes), 4):
            content.append(sum(code << 2 * at for at, code in enumerate(codes[start : start + 4])))
    path.write_bytes(bytes(content))
    path.with_suffix(".fam").write_text(
        "".join(
            f"F{place % 3} {donor} 0 0 {sex} -9\n"
            for place, (donor, sex) in enumerate(zip(world.donors, world.sexes, strict=True))
        ),
        encoding="utf-8",
    )
    path.with_suffix(".bim").write_text(
        "".join(
            f"{site.chrom}\t{site.name}\t0\t{site.pos}\t{'0' if alt == '.' else alt}\t{site.ref}\n"
            for site in world.sites
            for alt in site.alts
        )
    )
    return path


def write_plink2(chance: random.Random, path: Path, world: World) -> Spoken:
    """Write .pgen with its own library, .pvar or .pvar.zst and .psam; return what they say."""
    import pgenlib

    said = []
    writer = pgenlib.PgenWriter(
        str(path).encode(),
        len(world.donors),
        variant_ct=len(world.sites),
        nonref_flags=False,
        allele_ct_limit=max(2, *(len(site.alts) + 1 for site in world.sites)),
        dosage_present=True,
    )
    lines = ["##fileformat=PVARv1.0", "#CHROM\tPOS\tID\tREF\tALT\tFILTER"]
    for number, site in enumerate(world.sites, start=1):
        calls = [called(call) for call in site.calls]
        copies: list[list[Fraction | None]] = [
            [None if call is None else Fraction(call.count(alt)) for call in calls]
            for alt in range(1, len(site.alts) + 1)
        ]
        if len(site.alts) > 1:
            codes = [code for call in calls for code in (call or (-9, -9))]
            writer.append_alleles(np.array(codes, dtype=np.int32), allele_ct=len(site.alts) + 1)
        elif site.dosages is not None and site.alts != (".",):
            steps = [chance.randint(0, 32768) for _ in calls]
            copies = [[None if call is None else Fraction(step, 16384)
                       for call, step in zip(calls, steps, strict=True)]]  # fmt: skip
            writer.append_dosages(
                np.array([-9 if each is None else float(each) for each in copies[0]], np.float32)
            )
        else:
            row = [-9 if call is None else sum(call) for call in calls]
            writer.append_biallelic(np.array(row, dtype=np.int8))
        lines.append(f"{site.chrom}\t{site.pos}\t{site.name}\t{site.ref}\t{','.join(site.alts)}"
                     f"\t{site.status}")  # fmt: skip
        said.append(Said(number, site.chrom, str(site.pos), site.name, site.ref, site.alts, copies))
    writer.close()
    text = "\n".join([*lines, ""]).encode()
    if chance.random() < 0.5:
        path.with_suffix(".pvar.zst").write_bytes(pa.compress(text, "zstd", asbytes=True))
    else:
        path.with_suffix(".pvar").write_bytes(text)
    path.with_suffix(".psam").write_text(
        "#FID\tIID\tSEX\n"
        + "".join(f"F\t{d}\t{sex}\n" for d, sex in zip(world.donors, world.sexes, strict=True)),
        encoding="utf-8",
    )
    return Spoken(world.donors, said, world.sexes)


def write_bgen(chance: random.Random, path: Path, world: World, *, ref_last: bool) -> Spoken:
    """Write BGEN of two alleles a record; half calls and lost dosages are missing."""
    said = []
    records = []
    n_bits = chance.choice([8, 8, 16, 5])
    one = 2**n_bits - 1
    for number, site in enumerate(split(world).sites, start=1):
        ploidies = [len(call) for call in site.calls]
        stored: list[list[int] | None] = []
        copies: list[Fraction | None] = []
        for call in site.calls:
            if None in call:
                stored.append(None)
                copies.append(None)
                continue
            chances = [0, 0, 0][: len(call) + 1]
            chances[sum(allele or 0 for allele in call)] = one
            if site.dosages is not None:
                first = chance.randint(0, one)
                rest = [chance.randint(0, one - first)][: len(call) - 1]
                chances = [first, *rest, one - first - sum(rest)]
            copies.append(Fraction(sum(n * each for n, each in enumerate(chances)), one))
            stored.append((chances[::-1] if ref_last else chances)[:-1])
        alleles = (site.ref, site.alts[0])
        records.append(
            Record(stored, site.pos, alleles[::-1] if ref_last else alleles, n_bits=n_bits,
                   ploidy=max(ploidies), least_ploidy=min(ploidies), ploidies=ploidies,
                   chrom=site.chrom, rsid=site.name)
        )  # fmt: skip
        said.append(
            Said(number, site.chrom, str(site.pos), site.name, site.ref, site.alts, [copies])
        )
    path.write_bytes(
        bgen_bytes(records, compression=chance.choice([0, 1, 2]), samples=world.donors)
    )
    return Spoken(world.donors, said)


def parts(chance: random.Random, world: World, n_parts: int) -> list[World]:
    """Return worlds of the same donors, each in an order of its own, that share out the sites."""
    found: list[World] = []
    for number in range(n_parts):
        order = chance.sample(range(len(world.donors)), len(world.donors))
        sites = [
            replace(
                site,
                calls=tuple(site.calls[at] for at in order),
                dosages=site.dosages and tuple(site.dosages[at] for at in order),
            )
            for site in world.sites[number::n_parts]
        ]
        donors = tuple(world.donors[at] for at in order)
        found.append(World(donors, tuple(world.sexes[at] for at in order), tuple(sites)))
    return found
