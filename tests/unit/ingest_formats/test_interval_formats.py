"""Interval layouts: published samples, worked out by hand, and rows written for one rule each."""

from __future__ import annotations

import gzip

import pytest

from varhouse.errors import DataError

COLUMNS = "chrom, start_pos, end_pos, gene_id, feature, score"


def rows_of(con, columns=COLUMNS, where="true"):
    return con.execute(f"select {columns} from raw.intervals where {where} order by all").fetchall()


@pytest.mark.shared
class TestSamples:
    def test_fantom5(self, warehouse, load, shared_data):
        path = shared_data / "v2g/raw/fantom5_andersson2014_sample.bed"
        report = load(warehouse, "intervals", path)
        # grep -cE ';(SAMD11|NOC2L|PLEKHN1);' FILE: 4 of 18 rows have a symbol of our gene table.
        assert (report.n_read, report.n_loaded) == (18, 4)
        assert report.rejected == {"unknown_gene": 14}
        # chr1:858256-858648 with R 0.404, and so on: start + 1, R squared
        assert rows_of(warehouse) == [
            ("1", 858257, 858648, "ENSG00000187634", "aggregate", pytest.approx(0.163216)),
            ("1", 956564, 956812, "ENSG00000187583", "aggregate", pytest.approx(0.178084)),
            ("1", 956564, 956812, "ENSG00000188976", "aggregate", pytest.approx(0.040804)),
            ("1", 1173387, 1173736, "ENSG00000187583", "aggregate", pytest.approx(0.096721)),
        ]
        assert rows_of(warehouse, "distinct type_id, source_id") == [("fantom5", "andersson2014")]
        (example,) = warehouse.execute("select example from load_issues").fetchone()
        assert "gene_name=HES4" in example  # line 7, the first symbol that is not there

    def test_jung(self, warehouse, load, shared_data):
        path = shared_data / "v2g/raw/pchic_jung2019_sample.csv"
        report = load(warehouse, "intervals", path)
        # 19 lines, two of them with two symbols: 21. Known: ATAD3A 4, SSU72 1, CDK11A 3 fragments.
        # Distances of midpoints in bp, by awk: 64710, 150811, 40623.5, 60957.5 / 50996 / 190251,
        # 100320.5, 61445; standard deviation 53602.4, so that the two above 107204.8 fall out.
        assert report.n_read == 21
        assert report.rejected == {"unknown_gene": 13, "too_far_from_gene": 2}
        assert rows_of(warehouse) == [
            ("1", start, end, gene, "UBERON_0002369", 1.0)
            for start, end, gene in [
                (1390015, 1398163, "ENSG00000197785"),
                (1496018, 1502827, "ENSG00000197785"),
                (1517795, 1521718, "ENSG00000197785"),
                (1539937, 1549357, "ENSG00000008128"),
                (1539937, 1549357, "ENSG00000160075"),
                (1582295, 1584750, "ENSG00000008128"),
            ]
        ]

    def test_javierre(self, warehouse, load, shared_data):
        path = shared_data / "v2g/raw/pchic_javierre2016_sample.parquet"
        # The one bait, 13:74288572-74291701, holds KLF12's promoter if its TSS is put there.
        warehouse.execute("update raw.genes set tss_pos = 74288573 where gene_name = 'KLF12'")
        report = load(warehouse, "intervals", path)
        assert (report.n_read, report.n_loaded) == (20, 20)
        assert rows_of(warehouse, where="feature = 'TOTAL_CD8'") == [
            ("13", 73355606, 73360045, "ENSG00000118922", "TOTAL_CD8", 15.6468155473657),
            ("13", 73424699, 73426415, "ENSG00000118922", "TOTAL_CD8", 6.01645540300532),
        ]

    def test_javierre_without_a_promoter_in_the_bait(self, warehouse, load, shared_data):
        path = shared_data / "v2g/raw/pchic_javierre2016_sample.parquet"
        # One base before the bait's first, 74288573 counted from 1.
        warehouse.execute("update raw.genes set tss_pos = 74288572 where gene_name = 'KLF12'")
        with pytest.raises(DataError, match="no_promoter_gene"):
            load(warehouse, "intervals", path)

    def test_re2g(self, empty_warehouse, load, shared_data):
        path = shared_data / "v2g/raw/encode_re2g_sample.tsv"
        report = load(empty_warehouse, "intervals", path)
        assert (report.genome_build, report.n_loaded, report.rejected) == ("GRCh38", 10, {})
        assert rows_of(empty_warehouse, where="gene_name = 'KLHL17'") == [
            ("1", 904189, 905022, "ENSG00000187961", "head of caudate nucleus", 0.2919220753583031)
        ]

    def test_bad_bed(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats/bad/i01_bad_intervals.bed"
        report = load(empty_warehouse, "intervals", path, build="GRCh38", source_id="mine")
        assert report.rejected == dict.fromkeys(
            ("start_after_end", "position_below_one", "zero_length", "gene_id_missing",
             "ragged_row", "beyond_chromosome_end"), 1
        )  # fmt: skip
        assert report.notes == {"score_negative": 1}
        assert rows_of(empty_warehouse) == [
            ("22", 101, 200, "ENSG1", "unspecified", 5.5),
            ("22", 901, 1000, "ENSG3", "unspecified", -1.0),
        ]

    def test_a_bed_file_without_genes_is_refused(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats/intervals/chipseq_10k.bed"
        with pytest.raises(DataError, match=r"none of its 10000 rows.*\n.*gene_id_not_ensembl"):
            load(empty_warehouse, "intervals", path, build="GRCh37", source_id="mine")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.bed", "chr1\t1\t9\tchr1:5-7;NM_1;SAMD11;R:0.5;FDR:0\t500\t.\n"),
        ("x.bed8", "chr1\t1\t9\tSAMD11\tchr1\t5\t7\t0.5\n"),
        ("x.csv", "Promoter,Interacting_fragment,Tissue_type\nSAMD11,chr1.5.7,Fat\n"),
    ],
)
def test_symbols_need_the_gene_table(name, text, empty_warehouse, load, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match="varhouse load genes"):
        load(empty_warehouse, "intervals", path)


@pytest.mark.parametrize(
    ("symbol", "contig", "gene_id", "reject"),
    [
        ("samd11", "chr1", "ENSG00000187634", None),
        ("SAME", "chr1", None, "ambiguous_gene_symbol"),
        ("PAIR", "chrX", "ENSG00000000103", None),
        ("PAIR", "chr2", None, "ambiguous_gene_symbol"),
        ("SAMD11", "chr2", "ENSG00000187634", "other_chromosome"),
        # A synonym of PAIR on X, but SSU72's official name.
        ("SSU72", "chr1", "ENSG00000160075", None),
        ("CDC2L2", "chr1", "ENSG00000008128", None),
        ("OLD", "chr1", None, "ambiguous_gene_symbol"),
        ("NOBODY", "chr1", None, "unknown_gene"),
    ],
)
def test_symbols_of_jung_are_official_names_then_synonyms(
    symbol, contig, gene_id, reject, stage, tmp_path
):
    text = f"Promoter,Interacting_fragment,Tissue_type\n{symbol},{contig}.860000.870000,Fat\n"
    (row,) = stage(tmp_path, "intervals", "pchic-jung2019", text, name="x.csv")
    assert (row["gene_id"], row["reject"]) == (gene_id, reject)


def test_the_distance_limit_of_fantom5_is_not_reached(stage, tmp_path):
    # TSS 860260; the midpoints of these 1-based intervals are 1068265.5 and 1068266 bp away.
    text = "".join(
        f"chr1\t1\t9\tchr1:{start}-{end};NM_1;SAMD11;R:0.5;FDR:0\t500\t.\n"
        for start, end in [(1928519, 1928531), (1928520, 1928531)]
    )
    near, far = stage(tmp_path, "intervals", "fantom5-andersson2014", text, name="x.bed")
    assert (near["start_pos"] + near["end_pos"]) / 2 - 860260 == 1068265.5
    assert (near["reject"], far["reject"]) == (None, "too_far_from_gene")


def test_a_tissue_without_a_code_keeps_its_name_and_is_noted(warehouse, load, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        "Promoter,Interacting_fragment,Tissue_type\n"
        "SAMD11,chr1.860000.870000,Liver\nSAMD11,chr1.860000.870000,Aorta\n"
    )
    report = load(warehouse, "intervals", path)
    assert report.notes == {"feature_not_in_table": 1}
    assert rows_of(warehouse, "feature") == [("LIVER",), ("UBERON_0000947",)]


def test_javierre_as_text_without_a_header(warehouse, load, tmp_path):
    path = tmp_path / "Naive_CD4.txt"
    lines = [
        # NOC2L's TSS is 894689, its last base; both ends of the bait count, the start from 1.
        "chr1\t894688\t894689\tchr1:943676-957199,8.68\t1\t.",
        "chr1\t943676\t957199\tchr1:894688-894689,8.68\t2\t.",
        "chr1\t894688\t894689\tchr1:943676-957199,9.5\t3\t.",
        "chr1\t894689\t894700\tchr1:943676-957199,7\t4\t.",
        "chr1\t894688\t894689\tchr2:943676-957199,7\t5\t.",
        "chr1\t894688\t894689\tchr1:3344688-3344689,7\t6\t.",
        "chr1\t894688\t894689\tchr1:3344687-3344688,7\t7\t.",
        "chr1\t894688\t894689\tchr1:943676-957199\t8\t.",
    ]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="--feature"):
        load(warehouse, "intervals", path)
    report = load(warehouse, "intervals", path, feature="Naive_CD4")
    assert report.rejected == {
        "no_promoter_gene": 2, "duplicate_row": 1, "other_chromosome": 1, "too_far_from_gene": 1,
        "interval_unreadable": 1
    }  # fmt: skip
    assert rows_of(warehouse) == [
        ("1", 943677, 957199, "ENSG00000188976", "NAIVE_CD4", 9.5),
        ("1", 3344688, 3344688, "ENSG00000188976", "NAIVE_CD4", 7.0),
    ]


def test_a_plain_table_is_one_based_and_may_name_its_source(empty_warehouse, load, tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text(
        "chrom\tstart\tend\tgene_id\ttype_id\tsource_id\tfeature\tinterval_score\n"
        "chr2\t100\t100\tENSG00000187634.3\tpchic\tjavierre2016\tnaive_b\t5.5\n"
        "2\t101\t100\tENSG00000187634\tpchic\tjavierre2016\tnaive_b\t5.5\n"
        "2\t100\t100\tENSG00000187634\tpchic\tjavierre2016\tnaive_b\t4\n"
        "2\t100\t100\tENSG00000187634\tpchic\tjavierre2016\tNA\t4\n"
    )
    report = load(empty_warehouse, "intervals", path, build="GRCh37", feature="other")
    assert report.rejected == {"start_after_end": 1, "duplicate_row": 1}
    assert rows_of(empty_warehouse, f"{COLUMNS}, type_id, source_id") == [
        ("2", 100, 100, "ENSG00000187634", "naive_b", 5.5, "pchic", "javierre2016"),
        ("2", 100, 100, "ENSG00000187634", "other", 4.0, "pchic", "javierre2016"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.bed", "chr1\t1\t9\tENSG1\t5\n"),
        ("x.tsv", "chrom\tstart\tend\tgene_id\tscore\n1\t1\t9\tENSG1\t5\n"),
    ],
)
def test_a_source_has_to_be_named(name, text, empty_warehouse, load, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match="--source"):
        load(empty_warehouse, "intervals", path, build="GRCh37")


RE2G = "#chr\tstart\tend\tname\tTargetGene\tTargetGeneEnsemblID\tisSelfPromoter\tCellType\tScore\n"
RE2G_ROW = "chr1\t99\t200\tintergenic|chr1:99-200\tA\tENSG1\tFALSE\tK562\t0.7\n"


def test_re2g_as_encode_names_it(empty_warehouse, load, tmp_path):
    path = tmp_path / "ENCFF000AAA.bed.gz"
    path.write_bytes(gzip.compress((RE2G + RE2G_ROW).encode()))
    assert load(empty_warehouse, "intervals", path).format == "encode-re2g"
    assert rows_of(empty_warehouse) == [("1", 100, 200, "ENSG1", "K562", 0.7)]


def test_other_predictors_in_the_columns_of_re2g_are_not_called_so(empty_warehouse, load, tmp_path):
    path = tmp_path / "Blood.bed"
    path.write_text((RE2G + RE2G_ROW).replace("isSelfPromoter", "DistanceToTSS"))
    with pytest.raises(DataError, match="nothing says which source"):
        load(empty_warehouse, "intervals", path)
    load(empty_warehouse, "intervals", path, source_id="epiraction")
    assert rows_of(empty_warehouse, "source_id, score") == [("epiraction", 0.7)]


@pytest.mark.parametrize(("name", "mark"), [("x.bed", ""), ("x.bed", "#"), ("x.tsv", "#")])
def test_a_bed_file_with_a_header_may_be_of_either_base(
    name, mark, empty_warehouse, load, tmp_path
):
    path = tmp_path / name
    path.write_text(f"{mark}chrom\tstart\tend\tgene_id\tscore\n1\t99\t200\tENSG1\t5\n")
    options = {"build": "GRCh37", "source_id": "mine"}
    with pytest.raises(DataError, match="could be intervals, bed; say which with --format"):
        load(empty_warehouse, "intervals", path, **options)
    load(empty_warehouse, "intervals", path, **options, format="bed")
    assert rows_of(empty_warehouse) == [("1", 100, 200, "ENSG1", "unspecified", 5.0)]


@pytest.mark.parametrize("column", ["tissue", "biofeature", "CellType", "cell_type"])
def test_tissues_stay_apart(column, stage, tmp_path):
    text = f"chrom\tstart\tend\tgene_id\tscore\t{column}\n" + "".join(
        f"1\t1\t9\tENSG1\t5\t{name}\n" for name in ("liver", "brain")
    )
    rows = stage(tmp_path, "intervals", "intervals", text)
    assert [(row["feature"], row["reject"]) for row in rows] == [("liver", None), ("brain", None)]


def test_a_gene_that_is_not_in_the_table_is_kept_and_counted(warehouse, load, tmp_path):
    path = tmp_path / "x.bed"
    path.write_text("chr1\t1\t9\tENSG00000187634\t5\nchr1\t1\t9\tENSG1\t5\n")
    report = load(warehouse, "intervals", path, build="GRCh37", source_id="mine")
    assert (report.n_loaded, report.notes) == (2, {"unknown_gene": 1})
