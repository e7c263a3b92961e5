"""The policies by which one consequence, or one score, stands for a variant and a gene."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from load_inputs import load
from tests.loading import write_text
from tests.v2g import build as build_models
from tests.v2g import empty_warehouse

from varhouse.errors import ProjectError
from varhouse.runner import load_project
from varhouse.settings import shipped_project_dir

COLUMNS = (
    "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence\tIMPACT\t"
    "CANONICAL\tMANE_SELECT\tSIFT\tCADD_PHRED"
)
# gene, transcript, terms, impact, canonical, MANE, SIFT, CADD: in the order of the file
LINES = [
    ("ENSG1", "ENST11", "intron_variant", "MODIFIER", "-", "-", "-", "9"),
    ("ENSG1", "ENST12", "synonymous_variant", "LOW", "YES", "-", "-", "3"),
    ("ENSG1", "ENST13", "splice_region_variant,missense_variant", "MODERATE", "-", "-",
     "tolerated(0.5)", "6"),
    ("ENSG1", "ENST14", "3_prime_UTR_variant", "MODIFIER", "-", "NM_1.1", "-", "-"),
    ("ENSG2", "ENST21", "stop_gained", "HIGH", "-", "-", "-", "40"),
    ("-", "ENSR1", "regulatory_region_variant", "MODIFIER", "-", "-", "-", "-"),
]  # fmt: skip


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    lines = [
        "\t".join(["1_5_A_G", "1:5", "G", gene, feature,
                   "RegulatoryFeature" if feature == "ENSR1" else "Transcript", *rest])
        for gene, feature, *rest in LINES
    ]  # fmt: skip
    with empty_warehouse() as connection:
        load(connection, "annotations", write_text(tmp_path, "vep.txt", COLUMNS, *lines))
        table = write_text(tmp_path, "cadd.tsv", "variant_id\tCADD_PHRED", "1_5_A_G\t11")
        load(connection, "annotations", table)
        yield connection


def build(con: duckdb.DuckDBPyConnection, **variables: Any) -> None:
    build_models(con, select=["+annotations_picked", "+annotation_scores"], **variables)


@pytest.mark.parametrize(
    ("policy", "picked"),
    [
        ("worst", {"ENSG1": ("ENST13", "missense_variant", False, 4),
                   "ENSG2": ("ENST21", "stop_gained", False, 1)}),
        ("canonical", {"ENSG1": ("ENST12", "synonymous_variant", False, 4),
                       "ENSG2": ("ENST21", "stop_gained", True, 1)}),
        ("mane", {"ENSG1": ("ENST14", "3_prime_UTR_variant", False, 4),
                  "ENSG2": ("ENST21", "stop_gained", True, 1)}),
        ("first", {"ENSG1": ("ENST11", "intron_variant", False, 4),
                   "ENSG2": ("ENST21", "stop_gained", False, 1)}),
    ],
)  # fmt: skip
def test_a_policy_picks_one_row_a_gene(
    con: duckdb.DuckDBPyConnection, policy: str, picked: dict[str, Any]
) -> None:
    build(con, annotation_pick=policy)
    found = con.execute(
        "select gene_id, transcript_id, consequence_term, is_fallback, n_rows "
        "from annotations_picked where annotation_pick = ?",
        [policy],
    ).fetchall()
    assert {gene: tuple(rest) for gene, *rest in found} == picked


@pytest.mark.parametrize(("policy", "transcript"), [("worst", "ENST21"), ("first", "ENST11")])
def test_one_row_a_variant(con: duckdb.DuckDBPyConnection, policy: str, transcript: str) -> None:
    build(con, annotation_pick=policy, annotation_pick_per="variant")
    found = con.execute("select transcript_id, n_rows from annotations_picked").fetchall()
    assert found == [(transcript, 6)]


@pytest.mark.parametrize(("aggregate", "score"), [("max", 9), ("mean", 6), ("min", 3)])
def test_scores_of_a_gene_become_one(
    con: duckdb.DuckDBPyConnection, aggregate: str, score: float
) -> None:
    build(con, annotation_aggregate=aggregate)
    found = con.execute(
        "select gene_id, score_name, score, n_rows from annotation_scores order by all"
    ).fetchall()
    assert found == [
        ("ENSG1", "CADD_PHRED", score, 3),
        ("ENSG1", "SIFT", 0.5, 1),
        ("ENSG2", "CADD_PHRED", 40, 1),
        # of the variant itself
        (None, "CADD_PHRED", 11, 1),
    ]


@pytest.mark.parametrize("name", ["annotation_pick", "annotation_pick_per", "annotation_aggregate"])
def test_an_unknown_policy_is_refused(name: str) -> None:
    with pytest.raises(ProjectError, match=f"{name} is 'best', wanted one of: "):
        load_project(shipped_project_dir(), vars={name: "best"})


def test_nothing_loaded() -> None:
    with empty_warehouse() as con:
        build(con)
        assert con.execute("select count(*) from annotations_picked").fetchone() == (0,)


@pytest.mark.shared
def test_genes_of_each_variant_are_those_of_vep_per_gene(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    con.execute("delete from raw.annotations; delete from load_manifest")
    folder = shared_data / "formats" / "vep"
    load(con, "annotations", folder / "chr21_vep115.tab.txt.gz", build=None)
    build(con)
    picked = {
        tuple(row)
        for row in con.execute(
            "select distinct coalesce(uploaded_id, annotations.variant_id), picked.gene_id "
            "from annotations_picked as picked inner join annotations using (variant_id)"
        ).fetchall()
    }
    columns = "variation, location, allele, gene"
    vep = con.execute(
        f"select distinct variation, gene from (select {columns} from read_csv(?, delim = chr(9), "
        "comment = '#', header = false, all_varchar = true, names = "
        "['variation', 'location', 'allele', 'gene'])) where gene <> '-'",
        [str(folder / "chr21_vep115.per_gene.tab.txt")],
    ).fetchall()
    assert picked == set(vep)
