"""Annotations of random worlds: the long table, and the models that pick, against a slow twin."""

from __future__ import annotations

import csv
import gzip
import random
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb
import pytest
from tests.loading import load_one
from tests.property.annotation_worlds import (
    SCORES,
    WRITERS,
    Consequence,
    random_consequences,
    random_sites,
    snpeff,
    tab_of_names,
)
from tests.v2g import build, empty_warehouse

from varhouse.settings import shipped_project_dir

SEEDS = range(4)
MORE_SEEDS = range(4, 60)
COLUMNS = (
    "variant_id", "file_rank", "gene_id", "gene_name", "transcript_id", "regulatory_id",
    "feature_type", "consequence_terms", "impact", "biotype", "is_canonical", "mane_select",
    "protein_id", "hgvsp", "protein_pos", "sift_prediction", "sift_score", "polyphen_prediction",
    "polyphen_score", "scores",
)  # fmt: skip
Row = dict[str, Any]


def emptied(con: duckdb.DuckDBPyConnection) -> None:
    for table in ("raw.annotations", "load_manifest", "load_issues"):
        con.execute(f"delete from {table}")


def severity(terms: tuple[str, ...], impact: str) -> int:
    """Ensembl's order; a term that is not in it counts as the mildest of the row's impact."""
    path = shipped_project_dir() / "data" / "seeds" / "consequence_severity.csv"
    with path.open(encoding="utf-8") as stream:
        known = {row["consequence_term"]: row for row in csv.DictReader(stream)}
    mildest = max(int(row["severity"]) for row in known.values() if row["impact"] == impact)
    return min(int(known[term]["severity"]) if term in known else mildest for term in terms)


def expected(rows: list[Consequence], layout: str) -> list[Row]:
    """The long table, in the order of the file."""
    if layout == "vep-json":
        # lists by type of feature, within a site
        order = ["Transcript", "RegulatoryFeature", None]
        rows = [each for site in dict.fromkeys(each.site for each in rows) for kind in order
                for each in rows if each.site == site and each.kind == kind]  # fmt: skip
    is_told = {
        "is_canonical": layout in ("vep-tab", "annotated-vcf") or any(r.canonical for r in rows)
    }
    ranks: dict[str, int] = defaultdict(int)
    table = []
    for each in rows:
        variant_id = each.site.id_of(each.alt)
        ranks[variant_id] += 1
        is_regulatory = each.kind == "RegulatoryFeature"
        table.append({
            "variant_id": variant_id,
            "file_rank": ranks[variant_id],
            "gene_id": each.gene,
            "gene_name": each.symbol,
            "transcript_id": None if is_regulatory else each.feature,
            "regulatory_id": each.feature if is_regulatory else None,
            "feature_type": each.kind,
            "consequence_terms": list(each.terms),
            "impact": each.impact,
            "biotype": each.biotype,
            "is_canonical": each.canonical if is_told["is_canonical"] else None,
            "mane_select": each.mane,
            "protein_id": each.protein,
            "hgvsp": each.hgvsp,
            "protein_pos": each.protein_pos and each.protein_pos[0],
            "sift_prediction": each.sift and each.sift[0],
            "sift_score": each.sift and each.sift[1],
            "polyphen_prediction": each.polyphen and each.polyphen[0],
            "polyphen_score": each.polyphen and each.polyphen[1],
            "scores": {name: float(score) for name, score in each.scores.items()},
        })  # fmt: skip
    return table


def rows_of(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...]) -> list[Row]:
    found = con.execute(
        f"select {', '.join(columns)} from annotations order by variant_id, file_rank"
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def load(con: duckdb.DuckDBPyConnection, folder: Path, text: str, **options: Any) -> Any:
    chance = random.Random(text)
    if chance.random() < 0.2:
        text = text.replace("\n", "\r\n")
    path = folder / "in.txt"
    if chance.random() < 0.3:
        path = folder / "in.txt.gz"
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_bytes(text.encode())
    return load_one(con, "annotations", path, **{"build": "GRCh38"} | options)


def world(seed: int) -> tuple[random.Random, list[Consequence]]:
    chance = random.Random(seed)
    return chance, random_consequences(chance, random_sites(chance, 20))


def compare(con: duckdb.DuckDBPyConnection, layout: str, seed: int, folder: Path) -> list[Row]:
    chance, rows = world(seed)
    emptied(con)
    again = chance.choices(rows, k=3) if chance.random() < 0.5 else []
    text = WRITERS[layout]([*rows, *again], chance)
    report = load(con, folder, text)
    repeated = {"duplicate_row": len(again)} if again else {}
    assert (report.format, report.rejected) == (layout, repeated)
    table = sorted(expected(rows, layout), key=lambda row: (row["variant_id"], row["file_rank"]))
    found = rows_of(con, COLUMNS)
    assert len(found) == len(table)
    for got, want in zip(found, table, strict=True):
        assert got == want
    in_rank = con.execute(
        "select variant_id, rank, consequence_terms, impact from annotations order by all"
    ).fetchall()
    before: tuple[str, int, int] = ("", 0, 0)
    for variant_id, rank, terms, impact in in_rank:
        now = severity(tuple(terms), impact)
        if variant_id == before[0]:
            assert rank == before[1] + 1
            assert now >= before[2]
        else:
            assert rank == 1
        before = (variant_id, rank, now)
    return table


@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_output_of_vep_is_the_twins_table(
    con: duckdb.DuckDBPyConnection, layout: str, seed: int, tmp_path: Path
) -> None:
    compare(con, layout, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("layout", WRITERS)
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_every_output_of_vep_in_more_worlds(
    con: duckdb.DuckDBPyConnection, layout: str, seed: int, tmp_path: Path
) -> None:
    compare(con, layout, seed, tmp_path)


@pytest.mark.parametrize("seed", SEEDS)
def test_names_are_found_among_the_variants(
    con: duckdb.DuckDBPyConnection, seed: int, tmp_path: Path
) -> None:
    chance, rows = world(seed)
    rows = [each for each in rows if len(each.site.alts) == 1]
    emptied(con)
    con.execute("delete from raw.variants")
    listed = tmp_path / "variants.csv"
    listed.write_text("\n".join(["variant_id", *{each.site.id_of(0) for each in rows}, ""]))
    load_one(con, "variants", listed, build="GRCh38")
    load(con, tmp_path, tab_of_names(rows, chance))
    table = expected(rows, "vep-tab")
    table.sort(key=lambda row: (row["variant_id"], row["file_rank"]))
    assert rows_of(con, COLUMNS) == table


@pytest.mark.parametrize("seed", SEEDS)
def test_snpeff(con: duckdb.DuckDBPyConnection, seed: int, tmp_path: Path) -> None:
    chance, rows = world(seed)
    rows = [each for each in rows if each.kind != "RegulatoryFeature" and "*" not in each.site.alts]
    emptied(con)
    load(con, tmp_path, snpeff(rows, chance))
    columns = ("variant_id", "file_rank", "gene_id", "gene_name", "transcript_id",
               "consequence_terms", "impact", "hgvsp", "protein_pos", "feature_type")  # fmt: skip
    wanted = [{name: row[name] for name in columns} for row in expected(rows, "snpeff")]
    for row in wanted:
        if row["feature_type"] is None:
            row["gene_name"] = "SYM1-SYM2"
    wanted.sort(key=lambda row: (row["variant_id"], row["file_rank"]))
    assert rows_of(con, columns) == wanted


def best(rows: list[Row], policy: str) -> tuple[list[Row], bool]:
    """The rows that a policy may pick, and whether none is what it asks for."""
    if policy == "first":
        return [min(rows, key=lambda row: row["file_rank"])], False
    asked = [row for row in rows if policy == "worst" or (
        row["is_canonical"] if policy == "canonical" else row["mane_select"])]  # fmt: skip
    among = asked or rows

    def order(row: Row) -> tuple[int, bool, bool]:
        place = severity(tuple(row["consequence_terms"]), row["impact"])
        return place, not row["is_canonical"], row["mane_select"] is None

    return [row for row in among if order(row) == min(map(order, among))], not asked


# Every value of every var; the other pairs are slow.
PICKS = (("worst", "max", "gene"), ("canonical", "mean", "gene"), ("mane", "min", "gene"),
         ("first", "max", "variant"))  # fmt: skip


@pytest.mark.parametrize(("policy", "aggregate", "per"), PICKS)
def test_what_is_picked(policy: str, aggregate: str, per: str, tmp_path: Path) -> None:
    compare_picks(policy, aggregate, per, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("aggregate", ["max", "mean", "min"])
@pytest.mark.parametrize("policy", ["worst", "canonical", "mane", "first"])
@pytest.mark.parametrize("per", ["gene", "variant"])
def test_what_is_picked_by_any_pair(policy: str, aggregate: str, per: str, tmp_path: Path) -> None:
    compare_picks(policy, aggregate, per, tmp_path)


def compare_picks(policy: str, aggregate: str, per: str, folder: Path) -> None:
    with empty_warehouse() as con:
        layout = random.Random(policy + per + aggregate).choice(sorted(WRITERS))
        table = compare(con, layout, len(policy + per + aggregate), folder)
        build(con, select=["+annotations_picked", "+annotation_scores"], annotation_pick=policy,
              annotation_pick_per=per, annotation_aggregate=aggregate)  # fmt: skip
        names = ("variant_id", "gene_id", "transcript_id", "regulatory_id", "consequence_terms",
                 "is_fallback", "n_rows")  # fmt: skip
        picked = con.execute(f"select {', '.join(names)} from annotations_picked").fetchall()
        scores = con.execute(
            "select variant_id, gene_id, score_name, score, n_rows from annotation_scores"
        ).fetchall()
    groups: dict[Any, list[Row]] = defaultdict(list)
    numbers: dict[Any, list[float]] = defaultdict(list)
    for row in table:
        if per == "variant" or row["gene_id"]:
            groups[row["variant_id"], row["gene_id"] if per == "gene" else None].append(row)
        for name in (*SCORES, "SIFT", "PolyPhen"):
            score = row["scores"].get(name, row.get(f"{name.lower()}_score"))
            if score is not None:
                numbers[row["variant_id"], row["gene_id"], name].append(score)
    assert len(picked) == len(groups)
    for row in picked:
        got = dict(zip(names, row, strict=True))
        group = groups[got["variant_id"], got["gene_id"] if per == "gene" else None]
        choice, is_fallback = best(group, policy)
        assert (got["is_fallback"], got["n_rows"]) == (is_fallback, len(group))
        said = [{name: each[name] for name in names[:5]} for each in choice]
        assert {name: got[name] for name in names[:5]} in said
    combine = {"max": max, "mean": fmean, "min": min}[aggregate]
    assert {key[:3]: (pytest.approx(key[3]), key[4]) for key in scores} == {
        key: (combine(values), len(values)) for key, values in numbers.items()
    }
