"""Donors and covariates: ids as text, sex in every coding, who has genotypes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_warehouse import written

from varhouse.errors import DataError
from varhouse.ingest.donors.register import pattern_of


def covariates_of(con):
    return con.execute("from covariates order by donor_id, covariate").fetchall()


def donors_of(con):
    return con.execute("select donor_id, is_genotyped, sex from donors order by 1").fetchall()


def add_genotyped(con, *donors, sex=None):
    con.executemany(
        "insert into raw.donors values (?, ?, true, ?, 0)",
        [(number, donor, sex) for number, donor in enumerate(donors)],
    )


class TestLayouts:
    def test_donors_as_rows(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "donor_id\tsex\tage\n001\t1\t30\n1\t2\tNA\n")
        report = load(empty_warehouse, "covariates", path, strict=True)
        assert (report.format, report.n_read, report.genome_build) == ("covariates", 2, None)
        assert covariates_of(empty_warehouse) == [
            ("001", "age", 30.0), ("001", "sex", 1.0), ("1", "age", None), ("1", "sex", 2.0),
        ]  # fmt: skip
        assert donors_of(empty_warehouse) == [("001", False, 1), ("1", False, 2)]

    @pytest.mark.parametrize("corner", ["id", ""])
    def test_donors_as_columns(self, empty_warehouse, load, tmp_path, corner):
        path = written(tmp_path, f"{corner}\t001\tB\nsex\tM\tF\nPC1\t0.5\t-1e-3\n")
        report = load(empty_warehouse, "covariates", path, strict=True)
        assert (report.format, report.n_read) == ("covariates-by-row", 2)
        assert covariates_of(empty_warehouse) == [
            ("001", "PC1", 0.5), ("001", "sex", 1.0), ("B", "PC1", -0.001), ("B", "sex", 2.0),
        ]  # fmt: skip

    @pytest.mark.parametrize("corner", ["id", ""])
    @pytest.mark.parametrize("first", ["age", "PEER1", "InferredCov1"])
    def test_a_first_column_without_a_telling_name(
        self, empty_warehouse, load, tmp_path, corner, first
    ):
        path = written(tmp_path, f"{corner}\t{first}\tx\n001\t30\t0.5\n")
        assert load(empty_warehouse, "covariates", path).format == "covariates"
        assert covariates_of(empty_warehouse) == [("001", first, 30.0), ("001", "x", 0.5)]

    @pytest.mark.parametrize("name", ["", "Unnamed: 0", "index"])
    def test_row_numbers_are_no_covariate(self, empty_warehouse, load, tmp_path, name):
        path = written(tmp_path, f"{name},donor_id,age\n0,001,30\n1,B,40\n", "d.csv")
        report = load(empty_warehouse, "covariates", path, strict=True)
        assert report.notes == {"row_labels_left_out": 1}
        assert covariates_of(empty_warehouse) == [("001", "age", 30.0), ("B", "age", 40.0)]

    def test_the_unnamed_index_of_pandas(self, empty_warehouse, load, tmp_path):
        index = "__index_level_0__"
        path = tmp_path / "numbers.parquet"
        pq.write_table(pa.table({"donor_id": ["a", "b"], "age": [1.0, 2.0], index: [4, 7]}), path)
        assert load(empty_warehouse, "covariates", path).notes == {"row_labels_left_out": 1}
        path = tmp_path / "donors.parquet"
        pq.write_table(pa.table({"sex": [1, 2], index: ["a", "c"]}), path)
        assert load(empty_warehouse, "covariates", path).notes == {}
        assert covariates_of(empty_warehouse) == [
            ("a", "age", 1.0), ("a", "sex", 1.0), ("b", "age", 2.0), ("c", "sex", 2.0),
        ]  # fmt: skip

    def test_minus_nine_may_be_a_code_for_missing(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "FID IID age PC1\n0 a -9 -9\n0 b 40 -0.5\n0 c -9 2\n", "c.cov")
        assert load(empty_warehouse, "covariates", path).notes == {"minus_nine_kept": 2}
        assert ("a", "age", -9.0) in covariates_of(empty_warehouse)

    def test_plink_columns_beside_iid_are_not_values(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "#FID IID SID SEX V1\nf1 a 0 2 1.5\nf2 b 0 0 2\n", "c.txt")
        load(empty_warehouse, "covariates", path)
        assert covariates_of(empty_warehouse) == [
            ("a", "V1", 1.5), ("a", "sex", 2.0), ("b", "V1", 2.0), ("b", "sex", None),
        ]  # fmt: skip

    def test_parquet(self, empty_warehouse, load, tmp_path):
        path = tmp_path / "c.parquet"
        table = pa.table({"individual": [7, 8], "age": [30, None], "is_female": [True, False]})
        pq.write_table(table, path)
        load(empty_warehouse, "covariates", path, strict=True)
        assert covariates_of(empty_warehouse) == [
            ("7", "age", 30.0), ("7", "sex", 2.0), ("8", "age", None), ("8", "sex", 1.0),
        ]  # fmt: skip

    def test_whole_numbers_of_parquet_are_ids_without_a_point(
        self, empty_warehouse, load, tmp_path
    ):
        path = tmp_path / "c.parquet"
        pq.write_table(pa.table({"donor_id": [7.0, 8.0], "age": [30.5, 40.0]}), path)
        load(empty_warehouse, "covariates", path)
        assert covariates_of(empty_warehouse) == [("7", "age", 30.5), ("8", "age", 40.0)]

    def test_donors_as_columns_may_differ_in_case_alone(self, empty_warehouse, load, tmp_path):
        path = tmp_path / "c.parquet"
        pq.write_table(pa.table({"id": ["PC1", "sex"], "HG1": ["1", "1"], "hg1": ["2", "2"]}), path)
        load(empty_warehouse, "covariates", path)
        assert covariates_of(empty_warehouse) == [
            ("HG1", "PC1", 1.0), ("HG1", "sex", 1.0), ("hg1", "PC1", 2.0), ("hg1", "sex", 2.0),
        ]  # fmt: skip

    def test_covariates_differ_in_more_than_case(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "id\tA\tB\nPC1\t1\t2\npc1\t3\t4\n")
        with pytest.raises(DataError, match="covariate 'PC1' in line 2 and 3; one line each"):
            load(empty_warehouse, "covariates", path)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("donor_id\tS1\tS2\nPC1\t1\t2\n", "a donor is called PC1"),
            ("IID\tS1\tS2\nk\t1\t2\n", "covariates are called like known donors"),
            (",V1,V2\nS1,1,2\n", "covariates are called like known donors"),
            ("IID\texpression_pc1\nS1\t1\n", "covariate expression_pc1: .*Rename the column"),
        ],
    )
    def test_names_that_are_refused(self, empty_warehouse, load, tmp_path, text, message):
        load(empty_warehouse, "donors", written(tmp_path, "IID\nS1\nS2\n", "known.tsv"))
        with pytest.raises(DataError, match=message):
            load(empty_warehouse, "covariates", written(tmp_path, text))

    def test_numbers_may_be_donors_and_covariates(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "IID\t1\n1\t0.5\n2\t0.1\n")
        load(empty_warehouse, "donors", written(tmp_path, "IID\n1\n2\n", "known.tsv"))
        load(empty_warehouse, "covariates", path)
        assert covariates_of(empty_warehouse) == [("1", "1", 0.5), ("2", "1", 0.1)]

    @pytest.mark.parametrize(("line", "is_named"), [("1\tA\t3", True), ("A\t3\t", False)])
    def test_a_field_more_than_the_header(self, empty_warehouse, load, tmp_path, line, is_named):
        path = written(tmp_path, f"donor_id\tage\n{line}\n")
        with pytest.raises(DataError, match=r"line 2: 3 columns found, 2 expected") as told:
            load(empty_warehouse, "covariates", path)
        assert ("row names" in str(told.value)) == is_named

    def test_ids_alone_are_donors(self, empty_warehouse, load, tmp_path):
        load(empty_warehouse, "donors", written(tmp_path, "sample_id\tnote\nA\tx\nB\ty\n"))
        assert donors_of(empty_warehouse) == [("A", False, None), ("B", False, None)]

    def test_without_a_column_of_ids(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "name\tage\nA\t1\n")
        with pytest.raises(DataError, match=r"no column of donor ids.*Columns found: name, age"):
            load(empty_warehouse, "covariates", path, format="covariates")


class TestValues:
    @pytest.mark.parametrize(
        ("header", "words", "sexes"),
        [
            ("sex", "1 2 0", [1, 2, None]),
            ("SEX", "2 -9 1.0", [2, None, 1]),
            ("Gender", "m Female NA", [1, 2, None]),
            ("is_male", "1 0 1", [1, 2, 1]),
            ("female", "true false NA", [2, 1, None]),
            ("is_male", "T F NA", [1, 2, None]),
        ],
    )
    def test_codings_of_sex(self, empty_warehouse, load, tmp_path, header, words, sexes):
        rows = "".join(f"D{n}\t{word}\n" for n, word in enumerate(words.split()))
        load(empty_warehouse, "donors", written(tmp_path, f"donor\t{header}\n{rows}"), strict=True)
        assert [row[2] for row in donors_of(empty_warehouse)] == sexes
        assert [row[1:] for row in covariates_of(empty_warehouse)] == [("sex", s) for s in sexes]

    @pytest.mark.parametrize(
        ("header", "words", "message"),
        [
            ("sex", "0 1", "column sex has 0 and 1, and nothing says which is male"),
            ("sex", "0 1 -9 nan", "column sex has 0 and 1, and nothing says which is male"),
            ("sex", "T F NA", "column sex has T and F, and nothing says which is male"),
            ("sex", "x y", "line 2: no value of sex is understood"),
        ],
    )
    def test_sex_that_cannot_be_told(self, empty_warehouse, load, tmp_path, header, words, message):
        rows = "".join(f"D{n}\t{word}\n" for n, word in enumerate(words.split()))
        with pytest.raises(DataError, match=message):
            load(empty_warehouse, "donors", written(tmp_path, f"donor\t{header}\n{rows}"))

    def test_two_columns_of_sex(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "donor_id\tsex\tgender\nA\t1\t1\n")
        with pytest.raises(DataError, match="columns gender, sex all tell the sex"):
            load(empty_warehouse, "donors", path)

    def test_text_refuses_covariates_and_is_counted_for_donors(
        self, empty_warehouse, load, tmp_path
    ):
        path = written(tmp_path, "donor_id\tbatch\tage\nA\t1\t30\nB\tsecond\tinf\n")
        with pytest.raises(DataError, match="line 3: 1 of the 2 values of batch are not numbers"):
            load(empty_warehouse, "covariates", path)
        assert covariates_of(empty_warehouse) == []
        report = load(empty_warehouse, "donors", path)
        assert report.notes == {"column_not_numeric": 2, "covariate_not_finite": 1}
        assert covariates_of(empty_warehouse) == [("A", "age", 30.0), ("B", "age", None)]

    def test_further_ids_are_not_values(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "id\tsample\tdonor\tage\n1\t100\ta\t61\n2\t101\tb\t45\n")
        assert load(empty_warehouse, "covariates", path, strict=True).notes == {}
        assert covariates_of(empty_warehouse) == [("a", "age", 61.0), ("b", "age", 45.0)]

    def test_an_id_is_no_number(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "donor_id,pool,age\na,1_1,61\nb,2_10,45\n", "d.csv")
        report = load(empty_warehouse, "donors", path)
        assert report.notes == {"column_not_numeric": 2}
        assert covariates_of(empty_warehouse) == [("a", "age", 61.0), ("b", "age", 45.0)]

    def test_a_donor_twice_is_named(self, empty_warehouse, load, tmp_path):
        path = written(tmp_path, "donor_id\tage\nA\t1\nB\t1\nA\t2\n")
        with pytest.raises(DataError, match="donor A occurs 2 times, in lines 2 and 4"):
            load(empty_warehouse, "covariates", path)

    def test_a_row_without_donor_is_counted(self, empty_warehouse, load, tmp_path):
        report = load(
            empty_warehouse, "covariates", written(tmp_path, "donor_id\tage\nA\t1\nNA\t1\n")
        )
        assert (report.n_read, report.n_loaded) == (2, 1)
        assert report.rejected == {"donor_id_missing": 1}

    def test_a_second_file_adds_but_never_changes(self, empty_warehouse, load, tmp_path):
        load(empty_warehouse, "covariates",
             written(tmp_path, "donor_id\tage\nA\t1\nB\tNA\n", "1.tsv"))  # fmt: skip
        load(empty_warehouse, "covariates",
             written(tmp_path, "donor_id\tAge\tPC1\nA\t1\t5\nB\t2\t6\n", "2.tsv"))  # fmt: skip
        assert covariates_of(empty_warehouse) == [
            ("A", "PC1", 5.0), ("A", "age", 1.0), ("B", "PC1", 6.0), ("B", "age", 2.0),
        ]  # fmt: skip
        third = written(tmp_path, "donor_id\tAGE\nA\t9\n", "3.tsv")
        with pytest.raises(DataError, match=r"age of 1 donors differs from .*1\.tsv"):
            load(empty_warehouse, "covariates", third)


class TestOverlap:
    def test_none_is_an_error_with_both_spellings(self, empty_warehouse, load, tmp_path):
        add_genotyped(empty_warehouse, "S1", "S2")
        path = written(tmp_path, "donor_id\tage\ns1\t1\n")
        message = (
            r"0 donors in both, 1 only in this file, 2 only with genotypes\. Ids here: "
            r"letters\+digits, 2 characters; ids of the genotypes: CAPITALS\+digits, 2 characters"
        )
        with pytest.raises(DataError, match=message):
            load(empty_warehouse, "covariates", path)

    @pytest.mark.parametrize(
        ("ids", "told"),
        [
            (["donor_1", "donor_22"], "letters_digits, 7 to 8 characters"),
            (["001", "002", "HG2"], "digits, 3 characters (and 1 other pattern)"),
            (["TOB-7 "], "CAPITALS-digits<space>, 6 characters"),
            (["é9.ß9"], "letters+digits.letters+digits, 5 characters"),
            ([], ""),
        ],
    )
    def test_ids_are_told_by_their_pattern(self, ids, told):
        assert pattern_of(ids) == told

    def test_little_is_told_with_counts(self, empty_warehouse, load, tmp_path):
        add_genotyped(empty_warehouse, "A", "B", "C", sex=1)
        path = written(tmp_path, "donor_id\tsex\nA\t1\nB\t2\nX\t1\n")
        report = load(empty_warehouse, "covariates", path)
        assert report.notes == {
            "donors_without_genotypes": 1, "genotypes_without_donors": 1, "sex_differs": 1,
        }  # fmt: skip
        messages = empty_warehouse.execute(
            "select distinct message from load_issues where code like '%without%'"
        ).fetchall()
        assert messages == [("2 donors in both, 1 only in this file, 1 only with genotypes",)]
        # the genotypes' sex stays; who is not genotyped is marked so
        assert donors_of(empty_warehouse) == [
            ("A", True, 1), ("B", True, 1), ("C", True, 1), ("X", False, 1),
        ]  # fmt: skip

    def test_95_percent_is_enough(self, empty_warehouse, load, tmp_path):
        donors = [f"D{n:02}" for n in range(20)]
        add_genotyped(empty_warehouse, *donors)
        rows = "".join(f"{donor}\t1\n" for donor in [*donors[1:], "X"])
        report = load(empty_warehouse, "covariates", written(tmp_path, "donor_id\tage\n" + rows))
        assert report.notes == {}

    def test_an_id_map_says_who_is_who(self, empty_warehouse, load, tmp_path):
        add_genotyped(empty_warehouse, "S1", "S2")
        path = written(tmp_path, "donor_id\tage\ndonor-1\t1\nS2\t2\n")
        mapping = written(tmp_path, "donor-1\tS1\n", "map.tsv")
        report = load(empty_warehouse, "covariates", path, id_map=mapping)
        assert report.notes == {}
        assert covariates_of(empty_warehouse) == [("S1", "age", 1.0), ("S2", "age", 2.0)]

    @pytest.mark.parametrize(
        ("lines", "told"),
        [
            # the file has other ids than the map's first column
            ("d_1\tS1\nd_2\tS2\n", "first column has ids like letters_digits, 3 characters, its "
             "second like CAPITALS+digits, 2 characters; of these 2, 0 are ids here now and 2 have "
             "genotypes. Wanted in its lines: an id as this file spells it, a tab, that of the"),
            # the genotypes have other ids than its second
            ("donor-1\tT.1\ndonor-2\tT.2\n", "second like CAPITALS.digits, 3 characters; of these "
             "2, 2 are ids here now and 0 have genotypes. Wanted in its lines"),
            ("S1\tdonor-1\nS2\tdonor-2\n", "2 are ids here now and 0 have genotypes. Its first "
             "column has ids of the genotypes: exchange its columns."),
            ("\n", "map.tsv was used. Wanted in its lines"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        ("kind", "table", "feature"),
        [
            ("covariates", "donor_id\tage\ndonor-1\t1\ndonor-2\t2\n", None),
            ("pseudobulk", "gene_id\tdonor-1\tdonor-2\nENSG1\t1.5\t2.5\n", "T"),
            ("pseudobulk", "gene_id\tdonor_id\tmean\nENSG1\tdonor-1\t1\nENSG1\tdonor-2\t2\n", "T"),
        ],
    )
    def test_an_id_map_that_finds_nobody_is_told_of(
        self, empty_warehouse, load, tmp_path, lines, told, kind, table, feature
    ):
        add_genotyped(empty_warehouse, "S1", "S2")
        path, mapping = written(tmp_path, table), written(tmp_path, lines, "map.tsv")
        with pytest.raises(DataError) as caught:
            load(empty_warehouse, kind, path, id_map=mapping, feature=feature)
        assert f"--id-map {mapping} was used" in str(caught.value)
        assert told in str(caught.value)
        assert "--id-map FILE" not in str(caught.value)

    def test_a_long_and_quoted_id_map(self, empty_warehouse, load, tmp_path):
        others = "".join(f'"someone else {n}"\t"S{n}"\n' for n in range(2, 50_000))
        mapping = written(tmp_path, f'{others}"a"\t"S1"\n', "map.tsv")
        path = written(tmp_path, "donor_id\tage\na\t1\n")
        load(empty_warehouse, "covariates", path, id_map=mapping)
        assert covariates_of(empty_warehouse) == [("S1", "age", 1.0)]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a\n", "line 1: 1 columns; --id-map wants two"),
            ("a\tb\n\na\tc\n", "line 3: id a is given a second meaning"),
        ],
    )
    def test_a_bad_id_map(self, empty_warehouse, load, tmp_path, text, message):
        path = written(tmp_path, "donor_id\tage\na\t1\n")
        with pytest.raises(DataError, match=message):
            load(empty_warehouse, "covariates", path, id_map=written(tmp_path, text, "map.tsv"))


@pytest.mark.shared
class TestRealFiles:
    def test_covariates_of_the_cohort(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats" / "e2e_chr21" / "covariates.tsv"
        report = load(empty_warehouse, "covariates", path, strict=True)
        assert report.n_loaded == 120
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        expected = sorted(
            (cells[0], name, float(value))
            for cells in lines[1:]
            for name, value in zip(lines[0][1:], cells[1:], strict=True)
        )
        assert covariates_of(empty_warehouse) == expected
        # awk over the column: 1 is male
        n_male = sum(cells[1] == "1" for cells in lines[1:])
        found = empty_warehouse.execute("select count(*) from donors where sex = 1").fetchone()
        assert found == (n_male,)

    def test_regenie_covariates(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats" / "plink1" / "regenie_covariates.txt"
        report = load(empty_warehouse, "covariates", path, strict=True)
        assert report.n_loaded == 500

    def test_bad_files(self, empty_warehouse, load, shared_data):
        folder = shared_data / "formats" / "bad"
        load(empty_warehouse, "donors", folder / "d03_leading_zeros.tsv", strict=True)
        assert [row[0] for row in donors_of(empty_warehouse)] == ["001", "002", "1"]
        add_genotyped(empty_warehouse, "D2")
        with pytest.raises(DataError, match="0 donors in both, 4 only in this file, 1 only with"):
            load(empty_warehouse, "donors", folder / "d01_donors_mismatch.tsv")
