"""Small awkward cohorts from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

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
SPELLINGS = {"1": ["1", "01"], "X": ["X", "X", "23", "XY", "25", "PAR1"], "MT": ["MT", "M", "26"]}
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
    contigs = [
        prefix + chance.choice(SPELLINGS.get(each, [each]))
        for each in chance.sample(CONTIGS, chance.randint(1, 4))
    ]
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


def whole(world: World) -> World:
    """Return the world as hard calls of two alleles each, which every format can say."""
    sites = []
    for site in world.sites:
        calls = tuple(called(call) or (None, None) for call in site.calls)
        sites.append(replace(site, calls=calls, dosages=None, has_gt=True))
    return replace(world, sites=tuple(sites))


def called(call: Call) -> Call | None:
    """Return a call as a format of whole diploid calls holds it."""
    if None in call:
        return None
    return call * 2 if len(call) == 1 else call


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
