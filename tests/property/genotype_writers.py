"""The files that say the same of a cohort in every format, and what they say."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.property.genotype_files_twin import Said, Spoken
from tests.property.genotype_worlds import Call, World, called, split
from tests.unit.ingest_formats.bgen_files import Record, bgen_bytes


def write_vcf_text(
    chance: random.Random,
    path: Path,
    world: World,
    *,
    may_prefix: bool = True,
    is_sound: bool = False,
) -> Path:
    """Write a VCF in one of its spellings; the suffix says how it is compressed.

    ``may_prefix`` lets the first allele have a mark of phase, as of version 4.4; unless
    ``is_sound`` a record may be damaged.
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
    if chance.random() < 0.2 and not is_sound:
        at = chance.randrange(len(lines) - len(world.sites), len(lines))
        lines[at] = damaged(chance, lines[at])
    text = "\n".join([*lines, ""]).encode()
    if path.suffix == ".gz":
        text = bgzf(text, chance.choice([300, 60_000]))
    path.write_bytes(text)
    return path


def damaged(chance: random.Random, line: str) -> str:
    """Return a record without genotypes, or with one that cannot be."""
    cells = line.split("\t")
    keys = cells[8].split(":")
    way = chance.choice(["no genotypes", "0/0/1", ".|.|.", "99", "0/99"])
    if way == "no genotypes":
        return "\t".join([*cells[:8], "DP", *("3" for _ in cells[9:])])
    place = chance.randrange(9, len(cells))
    values = cells[place].split(":")
    if keys[0] == "GT":
        values[0] = way
    elif keys[0] == "DS":
        values[0] = ",".join([chance.choice(["2.01", "-0.1", "1e9"])] * len(cells[4].split(",")))
    cells[place] = ":".join(values)
    return "\t".join(cells)


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
