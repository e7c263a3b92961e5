"""Summary statistics against a slow, obvious twin: row by row, p-values as decimals."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from varhouse.ingest.load import LoadReport

HEADER = (
    "chromosome", "base_pair_location", "effect_allele", "other_allele", "beta", "odds_ratio",
    "standard_error", "p_value", "effect_allele_frequency", "variant_id", "ref_allele",
)  # fmt: skip
P_VALUES = ("1", "0.05", "3.2e-8", "1E-300", "7.25e-312", "4.9e-324", "1e-5000", "0.5e-400", "NA")


def random_row(chance: random.Random, position: int) -> dict[str, str]:
    effect, other = chance.sample(["A", "C", "G", "T", "AT", "GCC"], 2)
    ref, alt = chance.choice([(effect, other), (other, effect)])
    by_beta = chance.random() < 0.5
    ids = ["#NA", "rs12", f"1_{position}_{ref}_{alt}", f"1_{position + 1}_{ref}_{alt}"]
    return {
        "chromosome": "1",
        "base_pair_location": str(position),
        "effect_allele": effect,
        "other_allele": other,
        "beta": f"{chance.gauss(0, 1):.6g}" if by_beta else "#NA",
        "odds_ratio": "#NA" if by_beta else f"{math.exp(chance.gauss(0, 1)):.6g}",
        "standard_error": f"{chance.uniform(0.01, 1):.6g}",
        "p_value": chance.choice(P_VALUES),
        "effect_allele_frequency": f"{chance.random():.6g}",
        "variant_id": chance.choice(ids),
        "ref_allele": chance.choice(["EA", "OA", "#NA"]),
    }


def harmonised(row: dict[str, str], index: set[str]) -> dict[str, Any]:
    """Return what the row ought to be, from the rules in docs/formats/sumstats.md."""
    place = f"{row['chromosome']}_{row['base_pair_location']}"
    effect, other = row["effect_allele"], row["other_allele"]
    known = {
        ref for ref, alt in ((effect, other), (other, effect)) if f"{place}_{ref}_{alt}" in index
    }
    if len(known) == 1:
        (ref,), told = known, "variant index"
    elif row["ref_allele"] != "#NA":
        ref, told = (effect if row["ref_allele"] == "EA" else other), "file"
    elif row["variant_id"].startswith(place + "_"):
        ref, told = row["variant_id"].split("_")[2], "file"
    else:
        ref, told = other, "assumed"
    sign = -1 if ref == effect else 1
    beta = float(row["beta"]) if row["beta"] != "#NA" else math.log(float(row["odds_ratio"]))
    frequency = float(row["effect_allele_frequency"])
    p = None if row["p_value"] == "NA" else Decimal(row["p_value"])
    se = float(row["standard_error"])
    return {
        "variant_id": f"{place}_{ref}_{other if ref == effect else effect}",
        "rsid": "rs12" if row["variant_id"] == "rs12" else None,
        "beta": sign * beta,
        "se": se,
        "z": sign * beta / se,
        "p_value": None if p is None else float(p),
        "log10p": None if p is None else float(-p.log10()),
        "af": 1 - frequency if ref == effect else frequency,
        "alleles_from": told,
    }


def test_rows_are_what_the_twin_makes_of_them(
    empty_warehouse: duckdb.DuckDBPyConnection, load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    chance = random.Random("sumstats")
    rows = [random_row(chance, 100 + 10 * number) for number in range(500)]
    index = set[str]()
    for row in rows:
        alleles = [row["effect_allele"], row["other_allele"]]
        place = f"1_{row['base_pair_location']}"
        for _ in range(chance.randrange(3)):
            chance.shuffle(alleles)
            index.add(f"{place}_{'_'.join(alleles)}")
    (tmp_path / "index.csv").write_text("variant_id,rsid\n" + "".join(f"{i},\n" for i in index))
    load(empty_warehouse, "variants", tmp_path / "index.csv", build="GRCh38")
    path = tmp_path / "study.tsv"
    lines = ["\t".join(HEADER), *("\t".join(row[name] for name in HEADER) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    report = load(empty_warehouse, "sumstats", path, build="GRCh38")
    assert report.n_loaded == len(rows)
    expected = [harmonised(row, index) for row in rows]
    found = empty_warehouse.execute(
        f"select {', '.join(expected[0])} from sumstats order by pos"
    ).fetchall()
    told = {want["alleles_from"] for want in expected}
    assert told == {"variant index", "file", "assumed"}
    for got, want in zip(found, expected, strict=True):
        for value, (name, wanted) in zip(got, want.items(), strict=True):
            close = pytest.approx(wanted, rel=1e-12) if isinstance(wanted, float) else wanted
            assert value == close, (name, want["variant_id"])
