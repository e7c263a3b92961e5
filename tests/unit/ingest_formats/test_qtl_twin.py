"""The SQL reader of QTL rows against the csv module and decimal arithmetic."""

from __future__ import annotations

import csv
import math
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = [
    "",
    "NA",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "abc",
    ".",
    "1",
    "0",
    "0.0",
    "0e-400",
    "1.2",
    "-0.1",
]
MISSING = {"", "NA", ".", "NAN"}
NEGLOG10_OF_ZERO = float(-Decimal.from_float(5e-324).log10())  # the smallest double

tiny = st.builds(
    "{}e-{}".format, st.sampled_from(["1", "9.99", "2.2", "0.5", "4.94"]), st.integers(1, 700)
)
p_values = st.one_of(st.sampled_from(WORDS), tiny, st.floats(1e-12, 1).map(repr))
numbers = st.sampled_from(["0.5", "-2", "NA", "", "inf", "nan", "x", "0", "1e-3"])
variants = st.sampled_from(
    ["1_100_A_G", "chr1:100:A:G", "X-7-at-a_b37", "1_0_A_C", "rs1", "1_9_A_"]
)
genes = st.sampled_from(["ENSG00000187634", "ENSG00000187634.2", "ENSG1_PAR_Y", "SAMD11", "", "-"])
rows = st.tuples(variants, genes, p_values, numbers, numbers)
VARIANT = {
    "1_100_A_G": "1_100_A_G",
    "chr1:100:A:G": "1_100_A_G",
    "X-7-at-a_b37": "X_7_AT_A",
}
GENE = {
    "ENSG00000187634": "ENSG00000187634",
    "ENSG00000187634.2": "ENSG00000187634",
    "ENSG1_PAR_Y": "ENSG1_PAR_Y",
}


def neglog10(text: str) -> tuple[float | None, str | None]:
    if text.strip().upper() in MISSING:
        return None, "p_value_missing"
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None, "p_value_not_a_number"
    if value.is_infinite():
        return None, "p_value_not_finite"
    if not 0 <= value <= 1:
        return None, "p_value_out_of_range"
    return (float(-value.log10()) if value else NEGLOG10_OF_ZERO), None


def finite(text: str, *, above: float = -math.inf) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > above else None


def twin(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line, row in enumerate(csv.DictReader(text.splitlines(), delimiter="\t"), start=2):
        score, fault = neglog10(row["p_value"])
        if fault is None and row["gene_id"] in ("", "-"):
            fault = "gene_id_missing"
        if fault is None and row["gene_id"] not in GENE:
            fault = "gene_id_not_ensembl"
        if fault is None and row["variant_id"] not in VARIANT:
            fault = "variant_id_missing"
        found.append(
            {
                "line": line,
                "reject": fault,
                "variant_id": VARIANT.get(row["variant_id"]),
                "gene_id": GENE.get(row["gene_id"]),
                "neglog10_p": score,
                "beta": finite(row["beta"]),
                "se": finite(row["se"], above=0),
            }
        )
    return found


def test_sql_and_python_read_the_same(stage, tmp_path_factory):
    folder = tmp_path_factory.mktemp("twins")

    @settings(max_examples=80, deadline=None, derandomize=True)
    @given(st.lists(rows, min_size=1, max_size=15))
    def compare(cells):
        text = "variant_id\tgene_id\tp_value\tbeta\tse\n"
        text += "".join("\t".join(row) + "\n" for row in cells)
        staged, expected = stage(folder, "qtl", "qtl", text), twin(text)
        best: dict[tuple[Any, Any], float] = {}
        for row in expected:
            if row["reject"] is None:
                key = (row["variant_id"], row["gene_id"])
                best[key] = max(best.get(key, 0.0), row["neglog10_p"])
        kept: dict[tuple[Any, Any], float] = {}
        for row, wanted in zip(staged, expected, strict=True):
            assert row["line"] == wanted["line"]
            if row["reject"] == "duplicate_row":
                assert wanted["reject"] is None
                continue
            assert row["reject"] == wanted["reject"]
            if row["reject"] is None:
                for name in ("variant_id", "gene_id", "beta", "se"):
                    assert row[name] == wanted[name]
                assert row["neglog10_p"] == pytest.approx(wanted["neglog10_p"], rel=1e-13)
                kept[row["variant_id"], row["gene_id"]] = row["neglog10_p"]
        assert kept == pytest.approx(best, rel=1e-13)
        assert len(kept) == sum(row["reject"] is None for row in staged)

    compare()
