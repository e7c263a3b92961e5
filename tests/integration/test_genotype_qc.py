"""Variant and sample QC against a twin that goes through every donor and variant in turn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.expression import add_expression
from tests.loading import load_one
from tests.rows import add_rows
from tests.runner_projects import message_of, statuses
from tests.v2g import build as build_models

from varhouse.cli.model_options import cache_dir
from varhouse.errors import ProjectError
from varhouse.numerics.hwe import hwe_test
from varhouse.runner import load_project, run_project
from varhouse.settings import shipped_project_dir

MODELS = ("+sample_qc", "+variants_qc_passed")
Row = dict[str, Any]
# chromosome, position; those at 1,000,000 of X lie in a pseudoautosomal region of GRCh38
LOCI = [("1", 100), ("1", 200), ("2", 300), ("X", 1_000_000), ("X", 5_000_000), ("X", 5_000_001),
        ("Y", 5_000_000), ("MT", 9_000)]  # fmt: skip


@dataclass
class Cohort:
    """Dosages by variant and donor; None is missing."""

    sexes: list[int | None]
    dosages: list[list[float | None]]
    loci: list[tuple[str, int]]


def cohort(seed: int, *, sexes: tuple[int | None, ...], n_donors: int = 40) -> Cohort:
    chance = random.Random(seed)
    people = [chance.choice(sexes) for _ in range(n_donors)]
    dosages = []
    for chrom, _ in LOCI:
        frequency = chance.choice([0.01, 0.1, 0.4, 0.8])
        row: list[float | None] = []
        for sex in people:
            n_copies = 1 if chrom in ("Y", "MT") or (chrom == "X" and sex == 1) else 2
            copies = float(sum(chance.random() < frequency for _ in range(n_copies)))
            kind = chance.random()
            if kind < 0.1:
                row.append(None)
            elif kind < 0.2:
                row.append(chance.randrange(0, 2 * 16384 + 1) / 16384)
            else:
                row.append(copies)
        dosages.append(row)
    return Cohort(people, dosages, LOCI)


@pytest.fixture
def fill(con: duckdb.DuckDBPyConnection) -> Callable[[Cohort], None]:
    def fill_raw_tables(given: Cohort) -> None:
        con.execute(
            "insert into load_manifest select 1, 'genotypes', 'x.vcf', 'f', 1, 'vcf', null, "
            "'GRCh38', 1, 1, 0, map(), '0', now()"
        )
        people = [(idx, f"D{idx:03}", True, sex, 1) for idx, sex in enumerate(given.sexes)]
        add_rows(con, "raw.donors", [*people, (9999, "expression only", False, None, 1)])
        variants = [
            (idx, f"{chrom}_{pos}_A_C", chrom, pos, "A", "C", None, 1, 1)
            for idx, (chrom, pos) in enumerate(given.loci)
        ]
        add_rows(con, "raw.variants", [*variants, (99, "9_9_A_C", "9", 9, "A", "C", None, 1, None)])
        for first, table in ((0, "common"), (1, "rare")):
            calls = [
                (idx, donor, dosage)
                for idx in range(first, len(given.loci), 2)
                for donor, dosage in enumerate(given.dosages[idx])
                if dosage != 0
            ]
            add_rows(con, f"raw.genotypes_{table}", calls)

    return fill_raw_tables


def build(con: duckdb.DuckDBPyConnection, **variables: Any) -> None:
    build_models(con, select=MODELS, **variables)


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[Row]:
    result = con.execute(query)
    names = [column[0] for column in result.description]
    for row in result.fetchall():
        yield dict(zip(names, row, strict=True))


def hard_call(dosage: float, threshold: float = 0.1) -> int | None:
    return next((n for n in (0, 1, 2) if abs(dosage - n) <= threshold), None)


def twin_of_variant(given: Cohort, place: int, donors: list[int]) -> Row:
    chrom, pos = given.loci[place]
    is_par = chrom == "X" and pos == 1_000_000
    found: Row = dict.fromkeys(
        ("n_donors", "n_called", "an", "ac", "n_hom_ref", "n_het", "n_hom_alt", "n_hap_ref",
         "n_hap_alt"), 0
    )  # fmt: skip
    for donor in donors:
        sex, dosage = given.sexes[donor], given.dosages[place][donor]
        if chrom == "Y" and sex == 2:
            continue
        found["n_donors"] += 1
        if dosage is None:
            continue
        found["n_called"] += 1
        call = hard_call(dosage)
        if chrom in ("Y", "MT") or (chrom == "X" and sex == 1 and not is_par):
            found["an"] += 1
            found["ac"] += dosage / 2 if dosage > 1 else dosage
            if call is not None:
                found["n_hap_alt" if call else "n_hap_ref"] += 1
        else:
            found["an"] += 2
            found["ac"] += dosage
            if call is not None:
                found[("n_hom_ref", "n_het", "n_hom_alt")[call]] += 1
    knows_sex = all(given.sexes[donor] is not None for donor in donors)
    found["status"] = (
        "no_calls" if not found["n_called"]
        else "haploid" if chrom in ("Y", "MT")
        else "ok" if chrom != "X" or is_par
        else "females_only" if knows_sex
        else "sex_unknown"
    )  # fmt: skip
    found["af"] = found["ac"] / found["an"] if found["an"] else None
    found["mac"] = min(found["ac"], found["an"] - found["ac"])
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sexes", [(1, 2), (1, 2, None), (None,)])
def test_variants_equal_the_twin(
    con: duckdb.DuckDBPyConnection,
    fill: Callable[[Cohort], None],
    seed: int,
    sexes: tuple[int | None, ...],
) -> None:
    given = cohort(seed, sexes=sexes)
    fill(given)
    build(con)
    found = list(rows(con, "select * from variant_qc order by variant_idx"))
    assert len(found) == len(given.loci)
    for place, row in enumerate(found):
        expected = twin_of_variant(given, place, list(range(len(given.sexes))))
        assert {name: row[name] for name in expected} == expected
        assert row["n_missing"] == row["n_donors"] - row["n_called"]
        if row["n_donors"]:
            assert row["missingness"] == row["n_missing"] / row["n_donors"]
        if row["status"] in ("ok", "females_only"):
            test = hwe_test([row["n_hom_ref"]], [row["n_het"]], [row["n_hom_alt"]])
            assert row["hwe_p_value"] == test.p_value[0]
            assert row["hwe_mid_p_value"] == test.mid_p_value[0]
        else:
            assert row["hwe_p_value"] is None


def twin_of_sample(given: Cohort, donor: int, frequencies: list[tuple[float, int]]) -> Row:
    counted = [place for place, (chrom, _) in enumerate(given.loci) if chrom != "Y"]
    autosomal = [place for place in counted if given.loci[place][0] not in ("X", "MT")]
    dosages = {place: given.dosages[place][donor] for place in counted}
    calls = {place: hard_call(dosage) for place, dosage in dosages.items() if dosage is not None}
    hard = [place for place in autosomal if calls.get(place) is not None]
    expected = 0.0
    for place in hard:
        af, an = frequencies[place]
        expected += 2 * af * (1 - af) * an / (an - 1)
    n_het = sum(calls[place] == 1 for place in hard)
    return {
        "n_variants": len(counted),
        "n_missing": sum(dosage is None for dosage in dosages.values()),
        "n_non_ref": sum(call in (1, 2) for call in calls.values()),
        "n_autosomal": len(hard),
        "n_het": n_het,
        "n_hom_alt": sum(calls[place] == 2 for place in hard),
        "heterozygosity": n_het / len(hard) if hard else None,
        "expected_het": pytest.approx(expected, abs=1e-8),
        "f_coefficient": pytest.approx(1 - n_het / expected, abs=1e-6) if expected else None,
    }


@pytest.mark.parametrize("seed", range(4))
def test_samples_equal_the_twin(
    con: duckdb.DuckDBPyConnection, fill: Callable[[Cohort], None], seed: int
) -> None:
    given = cohort(seed, sexes=(1, 2))
    fill(given)
    build(con)
    everybody = list(range(len(given.sexes)))
    twins = [twin_of_variant(given, place, everybody) for place in range(len(given.loci))]
    frequencies = [(twin["af"], twin["an"]) for twin in twins]
    found = list(rows(con, "select * from sample_qc order by donor_idx"))
    assert [row["donor_id"] for row in found] == [f"D{idx:03}" for idx in everybody]
    for donor, row in enumerate(found):
        expected = twin_of_sample(given, donor, frequencies)
        assert {name: row[name] for name in expected} == expected


def test_counts_are_made_anew_on_the_chosen_donors(
    con: duckdb.DuckDBPyConnection, fill: Callable[[Cohort], None]
) -> None:
    given = cohort(5, sexes=(1, 2))
    fill(given)
    chosen = [3, 4, 5, 17, 20]
    con.execute("insert into raw.covariates select 'D' || lpad(i::varchar, 3, '0'), 'age', 50, 1 "
                "from unnest([3, 4, 5, 17, 20]) as t(i)")  # fmt: skip
    con.execute("insert into raw.covariates values ('nobody', 'age', 50, 1)")
    add_expression(con, groups=[("T", "D003", 9), ("B", "D003", 9)])
    ids = [f"D{donor:03}" for donor in chosen]
    for choice, donors in (("with_covariates", chosen), (ids, chosen), ("expressed", [3])):
        build(con, qc_donors=choice)
        found = list(rows(con, "select * from variant_qc order by variant_idx"))
        for place, row in enumerate(found):
            expected = twin_of_variant(given, place, donors)
            assert {name: row[name] for name in expected} == expected
        n_samples = con.sql("select count(*) from sample_qc").fetchall()
        assert n_samples == [(len(donors),)]


def test_the_thresholds_are_applied(con: duckdb.DuckDBPyConnection) -> None:
    # 20 donors; the counts of heterozygotes and homozygotes, then of missing calls
    makes = {"kept": (8, 2, 1), "missing": (8, 2, 2), "monomorphic": (0, 0, 0), "hwe": (0, 10, 0),
             "fixed": (0, 20, 0), "single": (1, 0, 0)}  # fmt: skip
    con.execute("insert into raw.donors select i, 'D' || i, true, 1, 1 from range(20) as t(i)")
    for idx, (name, (n_het, n_hom, n_missing)) in enumerate(makes.items()):
        con.execute(
            "insert into raw.variants values (?, ?, '1', ?, 'A', 'C', null, 1, 1)", [idx, name, idx]
        )
        dosages = [1] * n_het + [2] * n_hom + [None] * n_missing
        for donor, dosage in enumerate(dosages):
            con.execute("insert into raw.genotypes_common values (?, ?, ?)", [idx, donor, dosage])

    def passed(**variables: Any) -> set[str]:
        build(con, **variables)
        return {name for (name,) in con.sql("select variant_id from variants_qc_passed").fetchall()}

    # 10 homozygotes of each kind in 20 donors: p is about 1.5e-6, which the default keeps
    assert passed() == {"kept", "hwe", "single"}
    assert passed(qc_min_hwe_p=1e-5) == {"kept", "single"}
    assert passed(qc_min_mac=2) == {"kept", "hwe"}
    assert passed(qc_min_mac=0) == {"kept", "hwe", "single", "monomorphic", "fixed"}
    assert passed(qc_max_missingness=0.2) == {"kept", "hwe", "single", "missing"}


def test_nothing_is_loaded(con: duckdb.DuckDBPyConnection) -> None:
    build(con)
    for model in ("variant_qc", "sample_qc", "variants_qc_passed", "genotype_donors"):
        assert con.sql(f"select count(*) from {model}").fetchall() == [(0,)]


def test_variants_without_any_donor(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into raw.variants values (0, '1_1_A_C', '1', 1, 'A', 'C', null, 1, 1)")
    build(con, qc_donors=[])
    (row,) = rows(con, "select * from variant_qc")
    assert (row["status"], row["n_donors"], row["missingness"], row["af"]) == (
        "no_calls",
        0,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"qc_donors": "some"}, "qc_donors is 'some', wanted: all, expressed"),
        ({"qc_donors": {"d1": 1}}, "qc_donors is '.*', wanted a value or a list of values"),
        ({"qc_hard_call_threshold": "x"}, "qc_hard_call_threshold is 'x', wanted a number from 0"),
        ({"qc_min_mac": None}, "qc_min_mac is 'None', wanted a number from 0"),
        ({"kinship": "no"}, "kinship is 'no', wanted one of: True, False"),
        ({"structure_max_r2": 7}, "structure_max_r2 is '7', wanted a number from 0 to 1"),
    ],
)
def test_a_var_that_cannot_be_meant_is_refused(variables: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        load_project(shipped_project_dir(), vars=variables, cache_dir=cache_dir())


def test_listed_donors_without_genotypes_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into raw.donors values (0, 'D0', true, 1, 1), (1, 'D1', false, 1, 1)")
    project = load_project(
        shipped_project_dir(), vars={"qc_donors": ["D0", "D1", "it's", "D0", "D2"]}
    )
    outcome = run_project(project, con, command="build", select=["+genotype_donors"])
    message = message_of(outcome, "qc_donors_are_genotyped")
    assert "n_listed=4, n_not_genotyped=3" in message
    assert "D1" not in message
    assert statuses(outcome)["qc_donors_are_genotyped"] == "warn"
    for known in (["D0"], [], "all"):
        found = build_models(con, select=["+genotype_donors"], qc_donors=known)
        assert found["qc_donors_are_genotyped"] == "pass"


@pytest.mark.shared
def test_the_cohort_of_the_reference_data(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "e2e_chr21" / "donors120_chr21.vcf.gz"
    load_one(con, "genotypes", path, build="GRCh38")
    build(con)
    found = con.sql("""
        select
            count(*) as n_variants,
            sum(n_het + n_hom_alt) as n_non_ref,
            sum(ac) as n_alleles,
            sum(n_missing) as n_missing,
            count(*) filter (where maf < 0.05) as n_rare
        from variant_qc
    """).fetchall()
    assert found == [(927, 16201, 21989, 354, 698)]
    by_donor = con.sql("select count(*), sum(n_non_ref), sum(n_missing) from sample_qc").fetchall()
    assert by_donor == [(120, 16201, 354)]
