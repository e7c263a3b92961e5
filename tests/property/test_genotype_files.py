"""Genotype files of random awkward cohorts, against the slow twin."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.loading import load_one
from tests.property.genotype_files_twin import (
    LONGEST,
    Options,
    Refused,
    Shelf,
    Spoken,
    Told,
    contig_of,
    load,
    read_plink1,
    read_vcf,
)
from tests.property.genotype_worlds import World, parts, random_world, split, whole, without_blanks
from tests.property.genotype_writers import (
    as_bcf,
    write_bgen,
    write_plink1,
    write_plink2,
    write_vcf_text,
)
from tests.unit.ingest_formats.genotype_files import check_numbering, load_genotypes, stored
from tests.unit.ingest_formats.small_warehouse import new_warehouse

from varhouse.errors import DataError
from varhouse.ingest.load import LoadReport

LAYOUTS = ("vcf", "bcf", "plink1", "plink2", "bgen")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = new_warehouse(with_genes=False)
    yield con
    con.close()


@dataclass
class Command:
    """One call of ``load genotypes``: files, and its options as the twin and as we take them."""

    paths: list[Path]
    spoken: list[Spoken]
    options: Options
    arguments: dict[str, Any] = field(default_factory=dict)


def write(
    chance: random.Random,
    folder: Path,
    layout: str,
    world: World,
    command: Command,
    *,
    is_sound: bool = False,
) -> None:
    """Add a file of the world to a command."""
    stem = folder / f"part{len(command.paths)}"
    half_call = command.arguments.get("half_call", "missing")
    if layout in ("vcf", "bcf"):
        suffix = chance.choice([".vcf", ".vcf.gz"]) if layout == "vcf" else ".vcf"
        path = stem.with_suffix(suffix)
        write_vcf_text(chance, path, world, may_prefix=layout == "vcf", is_sound=is_sound)
        spoken = read_vcf(path, half_call=half_call)
        path = as_bcf(path) if layout == "bcf" else path
    elif layout == "plink1":
        path = write_plink1(stem.with_suffix(".bed"), split(world))
        spoken = read_plink1(path)
    elif layout == "plink2":
        path = stem.with_suffix(".pgen")
        spoken = write_plink2(chance, path, world)
    else:
        path = stem.with_suffix(".bgen")
        ref_last = command.arguments["allele_order"] == "ref-last"
        spoken = write_bgen(chance, path, world, ref_last=ref_last)
    command.paths.append(path)
    command.spoken.append(spoken)


def random_command(
    chance: random.Random, folder: Path, layout: str, worlds: list[World], wanted: list[str] | None
) -> Command:
    """Write the worlds as files of one command with options by chance."""
    options = Options(on_duplicate=chance.choice(["error", "first", "merge", "merge"]))
    command = Command([], [], options, {"on_duplicate": options.on_duplicate})
    arguments = command.arguments
    if layout in ("vcf", "bcf"):
        arguments["half_call"] = chance.choice(["missing", "reference", "haploid"])
    if layout == "bgen":
        arguments["allele_order"] = chance.choice(["ref-first", "ref-last"])
    for world in worlds:
        write(chance, folder, layout, world, command)
    if chance.random() < 0.4:
        options.min_maf = chance.choice([None, 0.02, 0.05, 0.1])
        options.max_maf = chance.choice([None, 0.05, 0.1, 0.2, 0.5])
        arguments |= {"min_maf": options.min_maf, "max_maf": options.max_maf}
    if wanted is not None:
        options.samples = [*wanted, *["nobody"] * chance.randint(0, 1)]
        arguments["samples"] = folder / "keep.txt"
        arguments["samples"].write_text("\n".join(["#IID", *options.samples]), encoding="utf-8")
    if chance.random() < 0.3:
        site = chance.choice(worlds[0].sites)
        contig = contig_of(site.chrom) or "1"
        region = (contig, max(1, site.pos - 50), max(1, site.pos) + chance.choice([0, 500, 10**9]))
        options.regions = [region]
        arguments["regions"] = ["{}:{}-{}".format(*region)]
    return command


def expected(shelf: Shelf, command: Command) -> list[Told] | Refused:
    """Return what the twin counts; its warehouse is as before where it refuses."""
    trial = copy.deepcopy(shelf)
    try:
        told = load(trial, command.spoken, command.options)
    except Refused as refused:
        return refused
    shelf.__dict__ |= trial.__dict__
    return told


def counted(report: LoadReport | Told) -> tuple[int, int, dict[str, int], dict[str, int]]:
    return report.n_read, report.n_loaded, dict(report.rejected), dict(report.notes)


def check_table(con: duckdb.DuckDBPyConnection, shelf: Shelf) -> None:
    assert stored(con) == shelf.rows()
    variants = con.execute("select variant_id, rsid from variants").fetchall()
    assert dict(variants) == {"_".join(map(str, key)): rsid for key, rsid in shelf.rsids.items()}
    donors = con.execute("select donor_id, sex from donors where is_genotyped").fetchall()
    assert dict(donors) == shelf.donors
    for table, is_rare in (("rare", True), ("common", False)):
        found = con.execute(
            "select distinct variant_id "
            f"from raw.genotypes_{table} inner join variants using (variant_idx)"
        ).fetchall()
        assert all((variant in shelf.rare()) == is_rare for (variant,) in found)
    check_numbering(con)


def know_some_variants(
    chance: random.Random,
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    world: World,
    shelf: Shelf,
) -> None:
    """Load a variant index with some variants of the world and some of their neighbours."""
    for site in chance.sample(world.sites, len(world.sites) // 2):
        chrom, alt = contig_of(site.chrom), site.alts[-1].upper()
        if (
            chrom
            and 0 < site.pos < LONGEST
            and set(alt) <= set("ACGTN")
            and alt != site.ref.upper()
        ):
            pos = site.pos + chance.choice([0, 0, 0, 1])
            ref = site.ref.upper()
            ref, alt = chance.choice([(ref, alt), (ref, alt), (alt, ref)])
            shelf.rsids[chrom, pos, ref, alt] = chance.choice([None, f"rs9{pos}"])
    if shelf.rsids:
        rows = [f"{'_'.join(map(str, key))},{rs or ''}" for key, rs in shelf.rsids.items()]
        index = folder / "index.csv"
        index.write_text("\n".join(["variant_id,rsid", *rows, ""]))
        load_one(con, "variants", index, build="GRCh37")


def check_seed(
    con: duckdb.DuckDBPyConnection, folder: Path, seed: int, layout: str, *, n_parts: int
) -> None:
    """Load a random cohort in one command or several and compare what each leaves behind."""
    chance = random.Random(seed)
    world = random_world(chance, repeats=chance.random() < 0.4)
    if layout.startswith("plink") or n_parts > 1:
        world = without_blanks(world)
    shelf = Shelf()
    if chance.random() < 0.4:
        know_some_variants(chance, con, folder, world, shelf)
    wanted = None
    if chance.random() < 0.4:
        wanted = chance.sample(list(world.donors), max(2, len(world.donors) - 3))
    shares = parts(chance, world, n_parts) if n_parts > 1 else [world]
    together = chance.random() < 0.5
    for number, worlds in enumerate([shares] if together else [[share] for share in shares]):
        (folder / str(number)).mkdir()
        kind = layout if n_parts == 1 else chance.choice(LAYOUTS)
        command = random_command(chance, folder / str(number), kind, worlds, wanted)
        told = expected(shelf, command)
        if isinstance(told, Refused):
            with pytest.raises(DataError, match=str(told)):
                load_genotypes(con, *command.paths, **command.arguments)
        else:
            reports = load_genotypes(con, *command.paths, **command.arguments)
            assert [counted(report) for report in reports] == [counted(each) for each in told]
        check_table(con, shelf)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(10))
def test_a_file_is_read_as_by_the_twin(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int, layout: str
) -> None:
    check_seed(con, tmp_path, seed, layout, n_parts=1)


@pytest.mark.parametrize("seed", range(20))
def test_files_are_added_as_by_the_twin(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, seed: int
) -> None:
    check_seed(con, tmp_path, 10_000 + seed, "vcf", n_parts=2 + seed % 2)


@pytest.mark.parametrize("seed", range(4))
def test_every_format_gives_one_table(tmp_path: Path, seed: int) -> None:
    chance = random.Random(20_000 + seed)
    world = without_blanks(whole(random_world(chance)))
    tables = {}
    for layout in LAYOUTS:
        (tmp_path / layout).mkdir()
        arguments = {"allele_order": "ref-first"} if layout == "bgen" else {}
        command = Command([], [], Options(), arguments)
        write(chance, tmp_path / layout, layout, world, command, is_sound=True)
        con = new_warehouse(with_genes=False)
        load_genotypes(con, *command.paths, **arguments)
        variants = con.execute("select variant_id, rsid, variant_idx from variants order by all")
        tables[layout] = variants.fetchall(), stored(con)
        con.close()
    assert tables["vcf"][1]
    assert all(tables[layout] == tables["vcf"] for layout in LAYOUTS)


@pytest.mark.slow
@pytest.mark.parametrize("layout", [*LAYOUTS, "several"])
@pytest.mark.parametrize("start", range(1_000, 2_000, 100))
def test_many_files_are_read_as_by_the_twin(tmp_path: Path, start: int, layout: str) -> None:
    for seed in range(start, start + 30):
        con = new_warehouse(with_genes=False)
        folder = tmp_path / str(seed)
        folder.mkdir()
        n_parts = 1 if layout in LAYOUTS else 2 + seed % 3
        check_seed(con, folder, seed, layout, n_parts=n_parts)
        con.close()
