"""Malformed and awkward files: what the command makes of each, as their README states it.

The exit code is the README's: 0 for "OK" and "W", 1 for "E".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from tests.command import run_main

pytestmark = pytest.mark.shared


@dataclass(frozen=True)
class Bad:
    """A file, how it is loaded, and what has to come of it.

    Attributes
    ----------
    words
        What the message has to name, for an error; codes of ``load_issues``, for a warning.
    counts
        Query of one number -> the number.
    before
        A file that is loaded first, with its arguments.
    """

    file: str
    arguments: str
    exit_code: int = 0
    words: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    before: str = ""


N_SUMSTATS = "select count(*) from sumstats"
N_GENOTYPES = "select count(*) from genotypes"
N_VARIANTS = "select count(*) from variants"
N_ANNOTATIONS = "select count(*) from annotations"
N_MANIFEST = "select count(*) from load_manifest"
NOTHING = {N_MANIFEST: 0, N_VARIANTS: 0, N_GENOTYPES: 0}
VCF = "genotypes --build GRCh37"

CASES = (
    Bad("v01_truncated_bgzf.vcf.gz", VCF, 1, ("v01_", "block"), NOTHING),
    Bad(
        "v02_no_eof_block.vcf.gz", VCF, 0, ("no_bgzf_end_marker",),
        {"select n_read from load_manifest": 735},
    ),
    Bad(
        "v06_multiallelic.vcf", VCF, 0, (),
        {f"{N_VARIANTS} where alt not similar to '[ACGT]+'": 0},
    ),
    Bad("v07_missing_gt.vcf", VCF, 0, (), {
            # 3 and 4 of the first two records, 4 of the third
            f"{N_GENOTYPES} where dosage is null": 11, N_GENOTYPES: 12,
        }),
    Bad("v09_duplicate_variants.vcf", VCF, 1, ("22_100_A_C", "--on-duplicate"), NOTHING),
    Bad("v10_duplicate_donors.vcf", VCF, 1, ("D2", "11", "12"), NOTHING),
    Bad("v18_ragged_row.vcf", VCF, 1, ("v18_", "line"), NOTHING),
    Bad("v24_triploid.vcf", VCF, 1, ("ploidy",), NOTHING),
    Bad("v25_ds_out_of_range.vcf", VCF, 1, ("2.7", "22:100"), NOTHING),
    Bad("p01_bim_one_short.bed", VCF, 1, ("6 bytes", "5"), NOTHING),
    Bad("p05_truncated_bed.bed", VCF, 1, ("5 bytes", "6"), NOTHING),
    Bad("p07_duplicate_iid.bed", VCF, 1, ("D2",), NOTHING),
    Bad("g02_truncated.bgen", f"{VCF} --ref-first", 1, ("927",), NOTHING),
    Bad(
        "a01_dash_nan_mixed.tab.txt", "annotations --build GRCh38", 0, (),
        {f"{N_ANNOTATIONS} where scores['CADD_RAW'] = -1.705125": 1,
         f"{N_ANNOTATIONS} where scores['CADD_RAW'] is not null": 1,
         f"{N_ANNOTATIONS} where sift_prediction = 'tolerated' and sift_score = 0.17": 1,
         f"{N_ANNOTATIONS} where sift_prediction is null and sift_score = 0.03": 1},
    ),
    Bad("a04_ragged.tab.txt", "vep --build GRCh38", 1, ("line 3", "3", "19"), NOTHING),
    Bad("a07_csq_header_missing.vcf", "vep --build GRCh38", 1, ("CSQ", "--csq-fields"), NOTHING),
    Bad("a13_same_pair_twice.tab.txt", "vep --build GRCh38", 0, ("duplicate_row",)),
    Bad(
        "m01_versioned_ids_par_y.gtf", "genes --build GRCh38", 0, (),
        {"select count(*) from genes where gene_id like '%.%'": 0,
         "select count(*) from genes where gene_id like '%_PAR_Y'": 1},
    ),
    Bad(
        "m03_exon_only.gtf", "genes --build GRCh38", 0, (),
        {"select count(*) from genes where (start_pos, end_pos, tss_pos) = (100, 400, 400)": 1},
    ),
    Bad(
        "s01_bad_pvalues.tsv", "sumstats --build GRCh38", 0,
        ("p_value_out_of_range", "p_value_not_finite", "p_value_zero", "p_value_below_doubles"),
        {N_SUMSTATS: 8, f"{N_SUMSTATS} where p_value is null": 3,
         f"{N_SUMSTATS} where p_value = 0": 2, f"{N_SUMSTATS} where isinf(log10p)": 0,
         "select n_rejected from load_manifest": 3},
    ),
    Bad("s01_bad_pvalues.tsv", "sumstats --build GRCh38 --strict", 1, ("--strict",), NOTHING),
    Bad(
        "s02_bad_se.tsv", "sumstats --build GRCh38", 0, ("se_not_positive", "effect_not_finite"),
        {f"{N_SUMSTATS} where z is not null or se <= 0": 0},
    ),
    Bad(
        "s07_chr23_x_chrx.tsv", "sumstats --build GRCh38 --strict", 0, (),
        {f"{N_SUMSTATS} where chrom = 'X'": 3, f"{N_SUMSTATS} where chrom = 'MT'": 2},
    ),
    # of the four genotyped D1..D4 it has D1
    Bad(
        "d01_donors_mismatch.tsv", "covariates", 0,
        ("donors_without_genotypes", "genotypes_without_donors"), {},
        f"v07_missing_gt.vcf {VCF}",
    ),
    Bad(
        "d03_leading_zeros.tsv", "donors", 0, (),
        {"select count(*) from donors where donor_id in ('1', '001')": 2},
    ),
    Bad("w03_empty_gene_window.gtf", "genes --build GRCh38", 0, (), {
        "select count(*) from genes": 2,
        "select tss_pos from genes where gene_name = 'HASVAR'": 16_389_000,
    }),
    # a table of scores: what is no number is absent, a negative one is kept
    Bad("w01_weights_nan_negative.tsv", "annotations --build GRCh37", 0, (), {
        f"{N_ANNOTATIONS} where scores['weight'] in (-1.7, 0)": 2,
        f"{N_ANNOTATIONS} where scores['weight'] is not null": 2,
    }),
    Bad(
        "i01_bad_intervals.bed", "intervals --build GRCh38 --source mine", 0, (),
        {"select count(*) from raw.intervals": 2,
         "select count(*) from raw.intervals where (gene_id, start_pos, end_pos) "
         "= ('ENSG1', 101, 200)": 1,
         "select count(*) from raw.intervals where gene_id = 'ENSG3' and score = -1": 1,
         "select sum(n) from load_issues where code <> 'score_negative'": 6},
    ),
    Bad("h01_no_raw_counts.h5ad", "cells", 1, ("counts", "--layer"), NOTHING),
    Bad(
        "h03_donor_ids_mismatch.h5ad", "cells", 1, ("donor", "--id-map"), {N_MANIFEST: 1},
        f"v07_missing_gt.vcf {VCF}",
    ),
    Bad("h05_negative_nan_fraction.h5ad", "cells", 1, ("h05_",), NOTHING),
)  # fmt: skip


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: f"{bad.file} {bad.arguments}")
def test_a_bad_file(
    tmp_path: Path, shared_data: Path, capfd: pytest.CaptureFixture[str], bad: Bad
) -> None:
    database = tmp_path / "house.duckdb"

    def load(file: str, kind: str, *options: str) -> int:
        path = shared_data / "formats" / "bad" / file
        return run_main("load", kind, str(path), *options, "--db", str(database))

    if bad.before:
        assert load(*bad.before.split()) == 0
    exit_code = load(bad.file, *bad.arguments.split())
    said = capfd.readouterr().err
    assert exit_code == bad.exit_code, said
    assert "Traceback" not in said
    with duckdb.connect(database, read_only=True) as con:
        codes = {row[0] for row in con.execute("select code from load_issues").fetchall()}
        for query, expected in bad.counts.items():
            assert con.execute(query).fetchone() == (expected,), query
    for word in bad.words:
        assert word in (said if bad.exit_code else codes)
