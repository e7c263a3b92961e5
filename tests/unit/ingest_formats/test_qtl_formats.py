"""QTL layouts: published samples, counted by other tools, and rows written for one rule each."""

from __future__ import annotations

import gzip

import duckdb
import pytest
from small_warehouse import new_warehouse

from varhouse.errors import DataError

PLAIN = "variant_id\tgene_id\tp_value\n"
PRODUCTION = (
    "chrom\tpos\tother_allele\teffect_allele\ttype\tstudy\tbiofeature\tpval\tnum_tests\tgene_id\n"
)


def rows_of(con, columns, where="true"):
    return con.execute(f"select {columns} from raw.qtl where {where} order by all").fetchall()


@pytest.mark.shared
class TestSamples:
    def test_catalogue_nominal(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats/qtl/eqtlcat_BLUEPRINT_Tcell_ge_chr2.nominal.tsv.gz"
        report = load(empty_warehouse, "qtl", path)
        # zcat FILE | awk -F'\t' 'NR>1{print $6,$15}' | sort -u | wc -l: 17653 of 18467 lines;
        # the sum of the smallest p of each of these pairs, also by awk, is 7982.584682.
        assert (report.format, report.genome_build) == ("eqtl-catalogue", "GRCh38")
        assert (report.n_read, report.n_loaded) == (18467, 17653)
        assert report.rejected == {"duplicate_row": 814}
        (total,) = empty_warehouse.execute("select sum(p_value) from raw.qtl").fetchone()
        assert total == pytest.approx(7982.584682, abs=1e-6)
        # line 2 of the file; line 3 is the same with the other rsid of the variant
        assert rows_of(
            empty_warehouse,
            "rsid, type_id, source_id, feature, beta, se, p_value",
            "variant_id = '2_160100629_TC_T' and gene_id = 'ENSG00000054219'",
        ) == [
            ("rs56157339", "eqtl", "eqtl", "eqtlcat_BLUEPRINT_Tcell_ge_chr2", 0.0551036, 0.0171948,
             0.00164593)
        ]  # fmt: skip

    def test_catalogue_nominal_in_its_older_column_order(self, empty_warehouse, load, shared_data):
        path = shared_data / "v2g/raw/eqtl_catalogue_gtex_v8_adipose_sample.tsv"
        report = load(empty_warehouse, "qtl", path, feature="Adipose_Subcutaneous")
        assert (report.n_read, report.n_loaded) == (10, 10)
        assert rows_of(
            empty_warehouse, "chrom, pos, ref, alt, feature, beta, p_value", "p_value < 0.01"
        ) == [("1", 13550, "G", "A", "Adipose_Subcutaneous", 0.59802, 0.00309323)]

    def test_credible_sets(self, empty_warehouse, load, shared_data):
        path = shared_data / "v2g/raw/eqtl_catalogue_QTD000584.credible_sets.tsv"
        report = load(empty_warehouse, "qtl", path, source_id="pqtl")
        # awk -F'\t' 'NR>1{print $4,$2}' FILE | sort -u | wc -l: 179 of 200
        assert (report.n_read, report.n_loaded) == (200, 179)
        assert rows_of(empty_warehouse, "distinct type_id, source_id") == [("pqtl", "pqtl")]
        assert rows_of(empty_warehouse, "gene_id, beta, p_value", "pos = 10000458") == [
            ("ENSG00000162444", 0.139135, 1.33564e-10)
        ]

    def test_gtex(self, empty_warehouse, load, shared_data):
        pairs = load(
            empty_warehouse, "qtl", shared_data / "formats/qtl/gtex_v8_signif_pairs_10rows.tsv"
        )
        assert (pairs.genome_build, pairs.n_loaded, pairs.rejected) == ("GRCh38", 10, {})
        assert rows_of(empty_warehouse, "gene_id, beta, se, p_value", "pos = 665098") == [
            ("ENSG00000227232", 0.384453, 0.0771678, 8.624e-07)
        ]
        egenes = load(empty_warehouse, "qtl", shared_data / "formats/qtl/gtex_v8_egenes_6rows.tsv")
        assert (egenes.n_loaded, egenes.rejected) == (6, {})

    def test_bad_p_values(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats/bad/s01_bad_pvalues.tsv"
        report = load(empty_warehouse, "qtl", path, build="GRCh38")
        assert report.rejected == {
            "p_value_out_of_range": 2, "p_value_missing": 3, "p_value_not_finite": 1
        }  # fmt: skip
        assert report.notes == {"p_value_zero": 1, "p_value_underflow": 1}
        kept = dict(rows_of(empty_warehouse, "gene_id, neglog10_p"))
        assert kept == pytest.approx(
            {"ENSG2": 323.3062153431158, "ENSG3": 400, "ENSG7": 7.301029995663981, "ENSG8": 0,
             "ENSG10": 307.6575773191778}
        )  # fmt: skip

    def test_bad_effects(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats/bad/s02_bad_se.tsv"
        report = load(empty_warehouse, "qtl", path, build="GRCh38")
        assert report.rejected == {"variant_id_missing": 1}  # position 000
        assert report.notes == {"effect_not_finite": 2, "se_not_positive": 1}
        assert rows_of(empty_warehouse, "gene_id, beta, se") == [
            ("ENSG1", 0.5, None), ("ENSG2", None, 0.1), ("ENSG3", None, None), ("ENSG4", 0.5, None)
        ]  # fmt: skip


def test_production_rows_pass_the_filter_of_the_releases(warehouse, load, tmp_path):
    path = tmp_path / "sumstats.tsv"
    # SAMD11 starts at 860260 on the + strand: 1860260 is the last position of its window.
    path.write_text(
        PRODUCTION
        + "1\t860260\tA\tG\teqtl\tGTEX\tLIVER\t0.005\t10\tENSG00000187634\n"
        + "1\t860261\tA\tG\teqtl\tGTEX\tLIVER\t0.00501\t10\tENSG00000187634\n"
        + "1\t860262\tA\tG\teqtl\tGTEX\tLIVER\t1e-9\tNA\tENSG00000187634\n"
        + "1\t860263\tA\tG\tpqtl\tSUN\tPLASMA\t1e-9\t10\t\n"
        + "1\t1860260\tA\tG\tsqtl\tGTEX\tLIVER\t1e-9\t10\tENSG00000187634.7\n"
        + "1\t1860261\tA\tG\tsqtl\tGTEX\tLIVER\t1e-9\t10\tENSG00000187634\n"
    )
    report = load(warehouse, "qtl", path, build="GRCh37")
    assert report.format == "production"
    assert report.rejected == {
        "p_above_threshold": 1, "num_tests_missing": 1, "gene_id_missing": 1,
        "outside_cis_window": 1,
    }  # fmt: skip
    assert rows_of(warehouse, "variant_id, type_id, source_id, feature") == [
        ("1_1860260_A_G", "sqtl", "sqtl", "GTEX-LIVER"),
        ("1_860260_A_G", "eqtl", "eqtl", "GTEX-LIVER"),
    ]


def test_production_without_genes_says_that_the_window_is_not_checked(
    empty_warehouse, load, tmp_path
):
    path = tmp_path / "sumstats.tsv"
    path.write_text(PRODUCTION + "1\t9\tA\tG\teqtl\tS\tB\t1e-9\t10\tENSG00000187634\n")
    report = load(empty_warehouse, "qtl", path, build="GRCh38")
    assert (report.n_loaded, report.notes) == (1, {"cis_window_not_checked": 1})


def test_parquet_is_read_like_text(empty_warehouse, load, tmp_path):
    path = tmp_path / "sumstats.parquet"
    duckdb.sql(
        "select '22' as chrom, 100 as pos, 'A' as ref, 'G' as alt, 'eqtl' as type, "
        "'GTEX' as study, 'LIVER' as biofeature, 1.5e-310::double as pval, 0.25::double as beta, "
        "0.1::double as se, 10::bigint as num_tests, 'ENSG00000187634' as gene_id"
    ).write_parquet(str(path))
    assert load(empty_warehouse, "qtl", path, build="GRCh38").n_loaded == 1
    assert rows_of(empty_warehouse, "variant_id, beta, se, p_value, round(neglog10_p, 6)") == [
        ("22_100_A_G", 0.25, 0.1, 1.5e-310, 309.823909)
    ]


@pytest.mark.parametrize(
    ("columns", "cells", "p_value", "neglog10_p"),
    [
        ("neglog10_p", "400", 0.0, 400.0),
        ("neglog10_p", "2", 0.01, 2.0),
        ("p_value_mantissa\tp_value_exponent", "2.5\t-400", 0.0, 399.6020599913279),
        ("p_value_mantissa\tp_value_exponent", "2.5\t-8", 2.5e-8, 7.602059991327963),
        ("p\tneglog10_p", "NA\t3", 0.001, 3.0),
    ],
)
def test_a_p_value_may_come_as_logarithm_or_mantissa_and_exponent(
    columns, cells, p_value, neglog10_p, empty_warehouse, load, tmp_path
):
    path = tmp_path / "x.tsv"
    path.write_text(f"variant_id\tgene_id\t{columns}\n1_5_A_G\tENSG00000187634\t{cells}\n")
    load(empty_warehouse, "qtl", path, build="GRCh38", source_id="pqtl")
    assert rows_of(empty_warehouse, "type_id, p_value, neglog10_p") == [
        ("pqtl", pytest.approx(p_value), pytest.approx(neglog10_p))
    ]


def test_a_cut_line_refuses_the_file(empty_warehouse, load, tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(PLAIN + "1_5_A_G\tENSG00000187634\t0.1\n1_6_A_G\tENSG000\n")
    with pytest.raises(DataError, match=r"x\.tsv, line 3: not the 3 columns"):
        load(empty_warehouse, "qtl", path, build="GRCh38", source_id="eqtl")
    assert rows_of(empty_warehouse, "*") == []


def test_a_source_has_to_be_named(empty_warehouse, load, tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(PLAIN + "1_5_A_G\tENSG00000187634\t0.1\n")
    with pytest.raises(DataError, match="--source"):
        load(empty_warehouse, "qtl", path, build="GRCh38")


def test_a_missing_column_is_named_with_what_was_found(empty_warehouse, load, tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("variant_id\tgene\tp_value\n1_5_A_G\tENSG00000187634\t0.1\n")
    with pytest.raises(DataError, match=r"no column for gene \(named gene_id\).*variant_id, gene,"):
        load(empty_warehouse, "qtl", path, build="GRCh38", source_id="eqtl", format="qtl")


def test_the_build_in_a_variant_id_counts(empty_warehouse, load, tmp_path):
    path = tmp_path / "Liver.v7.signif_variant_gene_pairs.txt.gz"
    with gzip.open(path, "wt") as stream:
        stream.write("variant_id\tgene_id\tpval_nominal\tslope\tslope_se\n")
        stream.write("1_5_A_G_b37\tENSG00000187634.2\t0.001\t0.1\t0.01\n")
        stream.write("1_6_A_G_b38\tENSG00000187634.2\t0.001\t0.1\t0.01\n")
    with pytest.raises(DataError, match="GRCh37"):
        load(empty_warehouse, "qtl", path, build="GRCh38")
    report = load(empty_warehouse, "qtl", path, source_id="gtex_v7")
    assert report.rejected == {"variant_of_other_build": 1}
    assert rows_of(empty_warehouse, "variant_id, type_id, source_id, feature") == [
        ("1_5_A_G", "eqtl", "gtex_v7", "Liver")
    ]


def test_a_gene_that_is_not_in_the_table_is_kept_and_counted(warehouse, load, tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(PLAIN + "1_5_A_G\tENSG00000187634\t0.1\n1_5_A_G\tENSG00000999999\t0.1\n")
    report = load(warehouse, "qtl", path, build="GRCh38", source_id="eqtl")
    assert (report.n_loaded, report.notes) == (2, {"unknown_gene": 1})
    assert warehouse.execute("select line, example from load_issues").fetchall() == [
        (3, "ENSG00000999999")
    ]


def test_threads_and_the_order_of_rows_change_nothing(load, tmp_path):
    lines = [
        f"1_{position % 700 + 1}_A_G\tENSG{gene:011d}\t{position % 97}e-{gene}\n"
        for position in range(3000)
        for gene in range(5, 9)
    ]
    tables = []
    for threads, content in ((1, lines), (2, lines), (2, lines[::-1])):
        path = tmp_path / f"x{len(tables)}.tsv"
        path.write_text(PLAIN + "".join(content))
        con = new_warehouse(with_genes=False, threads=threads)
        load(con, "qtl", path, build="GRCh38", source_id="eqtl", feature="F")
        tables.append(rows_of(con, "* exclude (load_id)"))
        con.close()
    assert tables[0] == tables[1] == tables[2]
    assert len(tables[0]) == 700 * 4


class TestEffectAlleles:
    @pytest.mark.parametrize("column", ["effect_allele", "A1"])
    def test_beta_is_of_alt(self, stage, tmp_path, column):
        text = f"variant_id\t{column}\tgene_id\tp_value\tbeta\n" + "".join(
            f"16_5_T_C\t{allele}\tENSG{number}\t0.01\t0.5\n"
            for number, allele in enumerate(["C", "t", "G", "NA"])
        )
        found = [(row["beta"], row["note"]) for row in stage(tmp_path, "qtl", "qtl", text)]
        unknown = (None, "effect_allele_unknown")
        assert found == [(0.5, None), (-0.5, None), unknown, unknown]

    def test_beta_is_of_alt_where_columns_name_the_alleles(self, stage, tmp_path):
        header = "chrom\tpos\tref\talt\teffect_allele\tgene_id\tp_value\tbeta\n"
        text = header + "16\t5\tT\tC\tT\tENSG1\t0.01\t0.5\n"
        assert [row["beta"] for row in stage(tmp_path, "qtl", "qtl", text)] == [-0.5]

    def test_an_id_tells_the_reference_better_than_the_effect_allele(self, stage, tmp_path):
        header = "variant_id\tchrom\tpos\teffect_allele\tother_allele\tgene_id\tp_value\tbeta\n"
        text = header + "".join(
            f"{name}\t16\t5\tT\tC\tENSG{number}\t0.01\t0.5\n"
            for number, name in enumerate(["16_5_T_C", "rs5", "NA"])
        )
        rows = stage(tmp_path, "qtl", "qtl", text)
        assert [(row["variant_id"], row["beta"], row["note"]) for row in rows] == [
            ("16_5_T_C", -0.5, None),
            ("16_5_C_T", 0.5, "reference_assumed"),
            ("16_5_C_T", 0.5, "reference_assumed"),
        ]


@pytest.mark.parametrize("alleles", ["ref\talt", "other_allele\teffect_allele"])
def test_an_id_of_another_variant_than_the_columns_say(stage, tmp_path, alleles):
    text = f"variant_id\tchrom\tpos\t{alleles}\tgene_id\tp_value\n" + "".join(
        f"{name}\t16\t5\tT\tC\tENSG{number}\t0.01\n"
        for number, name in enumerate(["chr16:5:t:c", "16_6_T_C", "16_5_T_G", "rs5"])
    )
    rows = stage(tmp_path, "qtl", "qtl", text)
    mismatch = "variant_id_mismatch"
    assert [row["reject"] for row in rows] == [None, mismatch, mismatch, None]


def test_an_id_that_was_kept_through_a_liftover(stage, tmp_path):
    text = (
        "variant_id\tchr\tposition\trsid\tgene_id\tp_value\ttissue\n"
        "16_5_T_C\t16\t1005\t.\tENSG1\t0.01\t#N/A\n"
        "16_5_T_C\tchr16\t5\tRS5;rs6\tENSG1\t0.01\t<NA>\n"
    )
    rows = stage(tmp_path, "qtl", "qtl", text)
    assert [row["reject"] for row in rows] == ["variant_id_mismatch", None]
    assert (rows[1]["rsid"], rows[1]["feature"]) == ("rs5", rows[0]["feature"])


def test_introns_are_sqtl(empty_warehouse, load, tmp_path):
    # as GTEx calls them in *.sgenes.txt and the eQTL Catalogue in its leafcutter data sets
    path = tmp_path / "Liver.v8.sgenes.txt"
    path.write_text(
        "phenotype_id\tgene_id\tvariant_id\tpval_nominal\n"
        "chr1:5:9:clu_7:ENSG1.5\tENSG1.5\tchr1_5_A_G_b38\t0.1\n"
        "ENSG2\tENSG2\tchr1_5_A_G_b38\t0.1\n"
    )
    load(empty_warehouse, "qtl", path)
    assert rows_of(empty_warehouse, "gene_id, type_id, source_id") == [
        ("ENSG1", "sqtl", "sqtl"),
        ("ENSG2", "eqtl", "eqtl"),
    ]
    path.write_text(path.read_text() + "\n")
    load(empty_warehouse, "qtl", path, source_id="gtex_v8")
    assert rows_of(empty_warehouse, "gene_id, type_id", "source_id = 'gtex_v8'") == [
        ("ENSG1", "sqtl"),
        ("ENSG2", "eqtl"),
    ]


def test_cell_types_stay_apart(stage, tmp_path):
    text = "variant_id\tgene_id\tp_value\tcell_type\n" + "".join(
        f"16_5_T_C\tENSG1\t0.01\t{name}\n" for name in ("B", "CD4")
    )
    rows = stage(tmp_path, "qtl", "qtl", text)
    assert [(row["feature"], row["reject"]) for row in rows] == [("B", None), ("CD4", None)]


class TestSpreadsheets:
    def test_commas_in_quotes(self, stage, tmp_path):
        for name, text in {
            "in.tsv": '16_5_T_C\tENSG00000140718\t0.01\t"muscle, skeletal"\n',
            "in.csv": '16_5_T_C,ENSG00000140718,0.01,"muscle, skeletal"\n',
        }.items():
            mark = "," if name.endswith("csv") else "\t"
            header = mark.join(["variant_id", "gene_id", "p_value", "feature"])
            (row,) = stage(tmp_path, "qtl", "qtl", f"{header}\n{text}", name=name)
            assert (row["p_value"], row["feature"]) == (0.01, "muscle, skeletal")

    def test_a_quote_that_never_closes_is_refused(self, stage, tmp_path):
        text = 'variant_id,gene_id,p_value,feature\n16_5_T_C,ENSG00000140718,0.01,"muscle\n'
        with pytest.raises(DataError, match=r"in\.csv, line 2: not the 4 columns"):
            stage(tmp_path, "qtl", "qtl", text, name="in.csv")

    def test_a_column_twice_is_refused(self, stage, tmp_path):
        text = "variant_id\tgene_id\tp_value\tbeta\tbeta\n16_5_T_C\tENSG00000140718\t0.01\t1\t2\n"
        with pytest.raises(DataError, match=r"in\.tsv: column beta occurs twice"):
            stage(tmp_path, "qtl", "qtl", text)

    def test_zero_with_a_minus_is_zero(self, stage, tmp_path):
        text = PLAIN + "".join(
            f"16_{pos}_T_C\tENSG00000140718\t{p}\n"
            for pos, p in enumerate(["-0", "-0.0", "-0e0", "-1e-400"], start=1)
        )
        found = stage(tmp_path, "qtl", "qtl", text)
        assert [row["neglog10_p"] for row in found[:3]] == [pytest.approx(323.306, abs=1e-3)] * 3
        assert [row["note"] for row in found[:3]] == ["p_value_zero"] * 3
        assert found[3]["reject"] == "p_value_unreadable"
