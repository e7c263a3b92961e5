"""BGEN files of the reference data, with the counts that stand beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from tests.loading import load_one

from varhouse.errors import DataError
from varhouse.ingest.format import LoadOptions
from varhouse.ingest.genotypes.bgen import BgenReader
from varhouse.ingest.reading import sniff

pytestmark = pytest.mark.shared
# plink2 --freq text, six digits
TOLERANCE = 1.0


def load(con: duckdb.DuckDBPyConnection, path: Path, **options: Any) -> int:
    return load_one(con, "genotypes", path, **{"build": "GRCh38"} | options).n_loaded


def sums(con: duckdb.DuckDBPyConnection) -> tuple[int, float, int]:
    return con.sql("""
        select
            count(dosage) as n_non_ref,
            coalesce(sum(dosage), 0) as total,
            count(*) filter (where dosage is null) as n_missing
        from genotypes
    """).fetchall()[0]


def test_the_first_allele_of_the_regenie_example_is_not_the_reference(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "bgen" / "regenie_example.bgen"
    assert load(con, path, allele_order="ref-last") == 1000
    assert sums(con) == (137331, 149712, 0)


def test_the_regenie_example_read_the_other_way_round(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "bgen" / "regenie_example.bgen"
    assert load(con, path, allele_order="ref-first") == 1000
    assert sums(con)[1] == 850288


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("oxford_example.8bits.bgen", 99580.5436),
        ("oxford_example.16bits.bgen", 99581.1329),
        ("oxford_no_sampleids.16bits.bgen", 99581.1329),
    ],
)
def test_the_oxford_examples(
    con: duckdb.DuckDBPyConnection, shared_data: Path, name: str, total: float
) -> None:
    source = sniff(shared_data / "formats" / "bgen" / name)
    options = LoadOptions(build="GRCh38", source_id=None, allele_order="ref-first")
    reader = BgenReader(con, source, options, None)
    blocks = list(reader.blocks(lambda sites: np.ones(len(sites), dtype=np.bool_)))
    assert (len(reader.samples), sum(len(block.sites) for block in blocks)) == (500, 199)
    dosages = np.concatenate([block.dosage for block in blocks]).astype(float)
    assert np.nansum(dosages) == pytest.approx(total, abs=TOLERANCE)
    assert np.isnan(dosages).sum() == (199 * 500 * 2 - 198996) / 2


def test_the_oxford_example_has_variants_twice(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    path = shared_data / "formats" / "bgen" / "oxford_example.8bits.bgen"
    with pytest.raises(DataError, match=r"1_10000_A_G occurs 2 times \(records 9, 99\)"):
        load(con, path, allele_order="ref-first")
    n_loaded = load(con, path, allele_order="ref-first", on_duplicate="first")
    assert con.sql("select count(*) from variants").fetchall() == [(n_loaded,)]
    assert n_loaded < 199


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bgen/oxford_phased.16bits.bgen", "no sample ids of its own.*--sample-file"),
        ("bgen/oxford_complex.16bits.bgen", "has 3 alleles|ploidy"),
        ("bad/g02_truncated.bgen", "927 variants, but only 310 can be read"),
        ("bgen/oxford_example.8bits.bgen", "--ref-first or --ref-last"),
    ],
)
def test_what_is_refused(
    con: duckdb.DuckDBPyConnection, shared_data: Path, name: str, said: str
) -> None:
    order = None if name.endswith("8bits.bgen") else "ref-first"
    with pytest.raises(DataError, match=said):
        load(con, shared_data / "formats" / name, allele_order=order)
    assert con.sql("select count(*) from raw.variants").fetchall() == [(0,)]
    assert con.sql("select count(*) from donors").fetchall() == [(0,)]


def test_phased_probabilities_with_ids_from_elsewhere(
    con: duckdb.DuckDBPyConnection, shared_data: Path, tmp_path: Path
) -> None:
    people = tmp_path / "people.sample"
    rows = "".join(f"{place} P{place} 0\n" for place in range(2504))
    people.write_text("ID_1 ID_2 missing\n0 0 0\n" + rows)
    path = shared_data / "formats" / "bgen" / "oxford_phased.16bits.bgen"
    assert load(con, path, allele_order="ref-first", sample_file=people) == 1


def test_the_four_formats_of_one_cohort_give_the_same_genotypes(
    con: duckdb.DuckDBPyConnection, shared_data: Path
) -> None:
    folder = shared_data / "formats" / "e2e_chr21"
    query = """
        select variant_id, donor_id, dosage
        from genotypes inner join variants using (variant_idx) inner join donors using (donor_idx)
    """
    options = {"bgen": {"allele_order": "ref-first"}}
    for suffix in ("vcf.gz", "bed", "pgen", "bgen"):
        for table in ("variants", "donors", "genotypes_rare", "genotypes_common"):
            con.execute(f"delete from raw.{table}")
        con.execute("delete from load_manifest")
        n_loaded = load(con, folder / f"donors120_chr21.{suffix}", **options.get(suffix, {}))
        assert (n_loaded, sums(con)) == (927, (16201, 21989, 354))
        if suffix == "vcf.gz":
            con.execute(f"create temp table expected as {query}")
            continue
        assert con.sql(f"{query} except all from expected").fetchall() == []
        assert con.sql(f"from expected except all ({query})").fetchall() == []


def test_the_variant_index_settles_the_order(
    con: duckdb.DuckDBPyConnection, shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "formats" / "e2e_chr21"
    index = tmp_path / "index.tsv"
    lines = (folder / "donors120_chr21.pvar").read_text().splitlines(keepends=True)
    index.write_text("".join(line.lstrip("#") for line in lines if not line.startswith("##")))
    load_one(con, "variants", index, build="GRCh38")
    load(con, folder / "donors120_chr21.bgen")
    assert sums(con) == (16201, 21989, 354)
