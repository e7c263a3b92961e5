"""Summary statistics of random worlds in every dialect against the slow twin, field by field."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.loading import load_one
from tests.property.sumstats_text_twin import Index, harmonised, written
from tests.property.sumstats_text_worlds import (
    DIALECTS,
    columns_of,
    random_index,
    random_row,
    random_variants,
)

N_ROWS = 60
SEEDS = range(2)
MORE_SEEDS = range(2, 40)


def key(row: dict[str, Any]) -> tuple[str, ...]:
    """An order of rows that rounding does not change."""
    return tuple(
        f"{value:.9e}" if isinstance(value, float) else str(value) for value in row.values()
    )


def compare(con: duckdb.DuckDBPyConnection, name: str, seed: int, folder: Path) -> None:
    chance = random.Random(f"{name} {seed}")
    dialect = DIALECTS[name]
    for table in ("raw.sumstats", "raw.variants", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")
    variants = random_variants(chance, N_ROWS)
    index = random_index(chance, variants) if chance.random() < 0.7 else []
    build = dialect.build or "GRCh38"
    if index:
        listed = folder / "index.csv"
        lines = [f"{variant.key},{variant.rsid}" for variant in index]
        listed.write_text("\n".join(["variant_id,rsid", *lines, ""]))
        load_one(con, "variants", listed, build=build)
    columns = columns_of(chance, dialect)
    rows = [random_row(chance, dialect, variant, columns) for variant in variants]
    for row in chance.choices(rows, k=6):
        again = dict(row)
        for each in chance.sample(sorted(again.keys() & CHANGED.keys()), k=1):
            again[each] = chance.choice([again[each], CHANGED[each]])
        rows.append(again)
    study = chance.choice([None, "mine"])
    path = written(chance, folder, name, columns, rows)
    want: dict[Any, dict[str, Any]] = {}
    for row in rows:
        made = harmonised(row, name.split()[0], Index(index), study or "study")
        if made:
            want.setdefault(key(made), made)
    report = load_one(con, "sumstats", path, build=dialect.build, source_id=study)
    assert report.format == name.split()[0]
    names = list(next(iter(want.values())))
    found = [
        key(dict(zip(names, row, strict=True)))
        for row in con.execute(f"select {', '.join(names)} from sumstats").fetchall()
    ]
    differences = {
        "rejected": report.rejected,
        "only in the table": [dict(zip(names, k, strict=True)) for k in found if k not in want],
        "only by the twin": [each for k, each in want.items() if k not in found],
    }
    assert len(found) == len(set(found))
    assert set(found) == want.keys(), differences


CHANGED = {"beta": "0.123", "odds_ratio": "1.5", "z": "2.5", "info": "0.5", "n": "77", "se": "0.5",
           "test": "DOM", "rsid": "rs77"}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_those_of_the_twin(
    con: duckdb.DuckDBPyConnection, name: str, seed: int, tmp_path: Path
) -> None:
    compare(con, name, seed, tmp_path)


def compare_phenotypes(con: duckdb.DuckDBPyConnection, seed: int, folder: Path) -> None:
    """A file of several phenotypes holds what as many files of one would hold."""
    chance = random.Random(f"phenotypes {seed}")
    for table in ("raw.sumstats", "raw.variants", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")
    variants = random_variants(chance, N_ROWS)
    listed = folder / "index.csv"
    index = random_index(chance, variants)
    lines = [f"{variant.key},{variant.rsid}" for variant in index]
    listed.write_text("\n".join(["variant_id,rsid", *lines, ""]))
    load_one(con, "variants", listed, build="GRCh38")
    dialect = DIALECTS["regenie"]
    shared = [name for name in columns_of(chance, dialect) if name not in OF_PHENOTYPE]
    labels = [f"Y{number}" for number in range(1, chance.choice([1, 2, 5]) + 1)]
    named = chance.random() < 0.5
    names = {label: f"trait-{label}.x" if named else label for label in labels}
    if named:
        lines = chance.sample([f"{label} {name}" for label, name in names.items()], len(labels))
        (folder / "run.regenie.Ydict").write_text("\n".join([*lines, ""]))
    header = [dialect.columns[name] for name in shared]
    header += [f"{dialect.columns[name]}.{label}" for label in labels for name in OF_PHENOTYPE]
    texts, want = [" ".join(header)], dict[Any, dict[str, Any]]()
    for variant in [*variants, *chance.choices(variants, k=5)]:
        row = random_row(chance, dialect, variant, shared)
        cells = [row[name].replace("{na}", "NA").strip() or "NA" for name in shared]
        for label in labels:
            own = random_row(chance, dialect, variant, list(OF_PHENOTYPE))
            if chance.random() < 0.2:
                own = dict.fromkeys(OF_PHENOTYPE, "NA")
            own = {name: text.replace("{na}", "NA").strip() for name, text in own.items()}
            cells += [own[name] for name in OF_PHENOTYPE]
            made = harmonised({**row, **own}, "regenie", Index(index), f"run_{names[label]}")
            if made and set(own.values()) != {"NA"}:
                want.setdefault(key(made), made)
        texts.append(" ".join(cells))
    path = folder / "run.regenie"
    path.write_text("\n".join([*texts, ""]))
    load_one(con, "sumstats", path, build="GRCh38")
    columns = list(next(iter(want.values())))
    found = con.execute(f"select {', '.join(columns)} from sumstats").fetchall()
    keys = [key(dict(zip(columns, row, strict=True))) for row in found]
    assert len(keys) == len(set(keys))
    assert set(keys) == want.keys()


OF_PHENOTYPE = ("beta", "se", "log10p")


@pytest.mark.parametrize("seed", range(4))
def test_several_phenotypes_are_those_of_the_twin(
    con: duckdb.DuckDBPyConnection, seed: int, tmp_path: Path
) -> None:
    compare_phenotypes(con, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 60))
def test_several_phenotypes_of_more_worlds(
    con: duckdb.DuckDBPyConnection, seed: int, tmp_path: Path
) -> None:
    compare_phenotypes(con, seed, tmp_path)


@pytest.mark.parametrize("seed", SEEDS)
def test_parquet_of_open_targets(con: duckdb.DuckDBPyConnection, seed: int, tmp_path: Path) -> None:
    """P-values there are a mantissa and an exponent; what is absent is null."""
    chance = random.Random(seed)
    for table in ("raw.sumstats", "raw.variants", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")
    records, rows = [], []
    for variant in random_variants(chance, N_ROWS):
        mantissa, exponent = round(chance.uniform(1, 9.9), 3), chance.choice([-1, -8, -310, -5000])
        beta, se = chance.gauss(0, 1), chance.choice([0.25, 0.5, None])
        af, n = chance.choice([0.125, None]), chance.choice([1000, None])
        records.append({
            "studyId": "GCST1", "variantId": variant.key, "chromosome": variant.chrom,
            "position": variant.pos, "beta": beta, "standardError": se, "sampleSize": n,
            "pValueMantissa": mantissa, "pValueExponent": exponent,
            "effectAlleleFrequencyFromSource": af,
        })  # fmt: skip
        texts = {"study": "GCST1", "id": variant.key, "chrom": variant.chrom,
                 "pos": str(variant.pos), "beta": repr(beta), "se": str(se or ""),
                 "n": str(n or ""), "af": str(af or ""), "p": f"{mantissa}e{exponent}"}  # fmt: skip
        rows.append(harmonised(texts, "opentargets-sumstats", Index([]), ""))
    path = tmp_path / "s.parquet"
    pq.write_table(pa.Table.from_pylist(records), path)
    assert load_one(con, "sumstats", path).format == "opentargets-sumstats"
    names = list(rows[0] or {})
    found = con.execute(f"select {', '.join(names)} from sumstats").fetchall()
    assert {key(dict(zip(names, row, strict=True))) for row in found} == {
        key(row) for row in rows if row
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_rows_of_more_worlds(
    con: duckdb.DuckDBPyConnection, name: str, seed: int, tmp_path: Path
) -> None:
    compare(con, name, seed, tmp_path)
