"""Tag layouts: what is taken, who leads a credible set, what is left out and why."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varhouse.errors import DataError

KIND, BUILD = "tags", "GRCh37"
HEADER = "study_id\tlead_variant_id\ttag_variant_id\tposterior\tr2\n"
V2D = (
    "study_id\tlead_chrom\tlead_pos\tlead_ref\tlead_alt\ttag_chrom\ttag_pos\ttag_ref\ttag_alt\t"
    "overall_r2\tpostprob\n"
)
SETS = "cs_id\tvariant\tpip\n"


def tags_of(con):
    return con.execute(
        "select study_id, lead_variant_id, tag_variant_id, posterior, r2 from raw.tags order by all"
    ).fetchall()


class TestPlainTags:
    def test_variants_may_be_spelled_in_any_usual_way(self, empty_warehouse, load_text):
        report = load_text(
            HEADER
            + "GCST1\tchr16:53800954:t:c\t16-53800954-T-C\t0.5\t1\n"
            + "GCST1\t16_53800954_T_C_b37\t16_53800962_G/T\t0.25\tNA\n"
            + "GCST1\t16_53800954_T_C\t16_53801000_A_G\t\t0.8\n"
        )
        assert (report.format, report.genome_build, report.n_loaded) == ("tags", "GRCh37", 3)
        lead = "16_53800954_T_C"
        assert tags_of(empty_warehouse) == [
            ("GCST1", lead, lead, 0.5, 1.0),
            ("GCST1", lead, "16_53800962_G_T", 0.25, None),
            ("GCST1", lead, "16_53801000_A_G", None, 0.8),
        ]

    def test_commas_parquet_and_other_names_do_as_well(
        self, empty_warehouse, load, load_text, tmp_path
    ):
        load_text("studyId,leadVariantId,tagVariantId,r2Overall\ns,1_5_A_T,1_6_A_T,0.9\n")
        path = tmp_path / "more.parquet"
        table = {"study_id": ["s"], "lead": ["1_5_A_T"], "tag": ["1_7_A_T"], "pip": [0.125]}
        pq.write_table(pa.table(table), path)
        load(empty_warehouse, "tags", path, build="GRCh37")
        assert tags_of(empty_warehouse) == [
            ("s", "1_5_A_T", "1_6_A_T", None, 0.9),
            ("s", "1_5_A_T", "1_7_A_T", 0.125, None),
        ]

    def test_source_names_the_study_of_rows_that_name_none(self, empty_warehouse, load_text):
        load_text(
            HEADER + "\t1_5_A_T\t1_6_A_T\t1\t\nown\t1_5_A_T\t1_6_A_T\t1\t\n", source_id="mine"
        )
        assert [row[0] for row in tags_of(empty_warehouse)] == ["mine", "own"]

    @pytest.mark.parametrize(
        ("cells", "code"),
        [
            ("s\t1_5_A_T\t1_6_A_T\t1.01\t0.5", "posterior_out_of_range"),
            ("s\t1_5_A_T\t1_6_A_T\t-0.1\t0.5", "posterior_out_of_range"),
            ("s\t1_5_A_T\t1_6_A_T\tinf\t0.5", "posterior_out_of_range"),
            ("s\t1_5_A_T\t1_6_A_T\t0.5\t1.5", "r2_out_of_range"),
            ("s\t1_5_A_T\t1_6_A_T\tmuch\t0.5", "posterior_not_a_number"),
            ("s\t1_5_A_T\t1_6_A_T\t0.5\tmuch", "r2_not_a_number"),
            ("s\t1_5_A_T\t1_6_A_T\t\tNA", "posterior_and_r2_missing"),
            ("s\t1_5_A_T\t1_6_A_T\tNaN\tnan", "posterior_and_r2_missing"),
            ("\t1_5_A_T\t1_6_A_T\t1\t", "study_id_missing"),
            ("s\trs5\t1_6_A_T\t1\t", "lead_variant_id_missing"),
            ("s\t1_5_A_T\tHLA-A_6_A_T\t1\t", "tag_variant_id_missing"),
            ("s\t1_5_A_T\t1_6_A_T_b38\t1\t", "variant_of_other_build"),
            ("s\t22_51304567_A_T\t22_6_A_T\t1\t", "beyond_chromosome_end"),
        ],
    )
    def test_a_row_that_cannot_be_used_is_left_out(self, empty_warehouse, load_text, cells, code):
        report = load_text(f"{HEADER}s\t1_5_A_T\t1_5_A_T\t0\t1\n{cells}\n")
        assert report.rejected == {code: 1}
        assert tags_of(empty_warehouse) == [("s", "1_5_A_T", "1_5_A_T", 0.0, 1.0)]
        issue = "select line, example from load_issues"
        ((line, example),) = empty_warehouse.execute(issue).fetchall()
        assert line == 3
        assert "posterior=" in example or "r2=" in example or code == "posterior_and_r2_missing"

    def test_nan_means_absent_where_the_other_measure_is_there(self, empty_warehouse, load_text):
        load_text(HEADER + "s\t1_5_A_T\t1_6_A_T\tnan\t0.5\n")
        assert tags_of(empty_warehouse) == [("s", "1_5_A_T", "1_6_A_T", None, 0.5)]

    def test_a_rounding_above_one_is_one(self, empty_warehouse, load_text):
        # as a sum of probabilities of single precision comes out
        load_text(HEADER + "s\t1_5_A_T\t1_6_A_T\t1.0000001192092896\t1.0000000000000002\n")
        assert tags_of(empty_warehouse) == [("s", "1_5_A_T", "1_6_A_T", 1.0, 1.0)]

    def test_of_a_tag_that_occurs_again_the_highest_is_kept(self, empty_warehouse, load_text):
        report = load_text(
            HEADER
            + "s\t1_5_A_T\t1_6_A_T\t\t0.99\n"
            + "s\tchr1:5:A:T\t1_6_A_T\t0.1\t0.2\n"
            + "s\t1_5_A_T\t1_6_A_T\t0.3\t\n"
            + "s\t1_5_A_T\t1_7_A_T\t\t0.4\n"
            + "s\t1_5_A_T\t1_7_A_T\t\t0.6\n"
            + "t\t1_5_A_T\t1_7_A_T\t\t0.4\n"
        )
        assert report.rejected == {"duplicate_tag": 3}
        assert tags_of(empty_warehouse) == [
            ("s", "1_5_A_T", "1_6_A_T", 0.3, None),
            ("s", "1_5_A_T", "1_7_A_T", None, 0.6),
            ("t", "1_5_A_T", "1_7_A_T", None, 0.4),
        ]

    def test_tags_outside_the_variant_index_are_kept_and_counted(self, empty_warehouse, load_text):
        text = HEADER + "s\t1_5_A_T\t1_5_A_T\t1\t\ns\t1_5_A_T\t1_6_A_T\t1\t\n"
        empty_warehouse.execute(
            "insert into raw.variants values (0, '1_5_A_T', '1', 5, 'A', 'T', null, 1, null)"
        )
        report = load_text(text)
        assert report.notes == {"unknown_variant": 1}
        assert report.n_loaded == 2

    @pytest.mark.parametrize(
        ("text", "options", "words"),
        [
            (HEADER + "s\t1_5_A_T\t1_6_A_T\t1\t1\n", {"build": None}, "genome build is not known"),
            (HEADER + "s\t1_5_A_T\n", {}, r"in\.tsv, line 2: not the 5 columns"),
            (HEADER, {}, "the file is empty"),
            ("lead\ttag\tr2\n1_5_A_T\t1_6_A_T\t1\n", {}, "give --source STUDY"),
            ("lead\ttag\n1_5_A_T\t1_6_A_T\n", {}, "not a known format of tags"),
            ("lead\ttag\nx\ty\n", {"format": "tags"}, "no column for posterior or r2"),
            ("lead\tr2\nx\t1\n", {"format": "tags"}, "no column for tag "),
            (SETS + "s\t1_5_A_T\t0.5\n", {}, "nothing says which study"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused(
        self, empty_warehouse, load_text, text, options, words
    ):
        with pytest.raises(DataError, match=words):
            load_text(text, **options)
        assert tags_of(empty_warehouse) == []

    def test_the_same_file_twice_is_loaded_once(self, empty_warehouse, load_text):
        text = HEADER + "s\t1_5_A_T\t1_6_A_T\t1\t1\n"
        assert [load_text(text).status for _ in range(2)] == ["loaded", "already loaded"]
        assert len(tags_of(empty_warehouse)) == 1


class TestOpenTargets:
    def test_variants_in_four_columns(self, empty_warehouse, load_text):
        report = load_text(
            V2D
            + "GCST1\tchr1\t5\tA\tT\t1\t6\tg\tc\t0.9\t\n"
            + "GCST1\t1\t5\tA\tT\t1\t5\tA\tT\t1.0\t0.75\n"
            + "GCST1\t1\t0\tA\tT\t1\t5\tA\tT\t1.0\t0.75\n"
            + "GCST1\t1\t5\tA\tT\t1\tx\tA\tT\t1.0\t0.75\n"
        )
        assert report.format == "opentargets-v2d"
        assert report.rejected == {"position_below_one": 1, "tag_variant_id_missing": 1}
        assert tags_of(empty_warehouse) == [
            ("GCST1", "1_5_A_T", "1_5_A_T", 0.75, 1.0),
            ("GCST1", "1_5_A_T", "1_6_G_C", None, 0.9),
        ]


class TestCredibleSets:
    def test_the_likeliest_variant_leads_and_the_first_of_equals(self, empty_warehouse, load_text):
        report = load_text(
            SETS
            + "a\tchr2:9:A:T\t0.2\n"
            + "a\tchr2:7:A:T\t0.7\n"
            + "b\t10_11_A_T\t0.5\n"
            + "b\t10_8_A_T\t0.5\n"
            + "b\t10_8_A_G\t0.5\n"
            + "b\t10_9_A_C\t0.4\n",
            source_id="GCST9",
        )
        assert (report.format, report.n_loaded) == ("credible-sets", 6)
        assert tags_of(empty_warehouse) == [
            ("GCST9", "10_8_A_G", "10_11_A_T", 0.5, None),
            ("GCST9", "10_8_A_G", "10_8_A_G", 0.5, None),
            ("GCST9", "10_8_A_G", "10_8_A_T", 0.5, None),
            ("GCST9", "10_8_A_G", "10_9_A_C", 0.4, None),
            ("GCST9", "2_7_A_T", "2_7_A_T", 0.7, None),
            ("GCST9", "2_7_A_T", "2_9_A_T", 0.2, None),
        ]

    @pytest.mark.parametrize("none", ["-1", "-1.0", "NA"])
    def test_a_variant_in_no_set_is_left_out(self, empty_warehouse, load_text, none):
        # the releases of the Finucane lab hold every variant of a region
        text = SETS + f"1\t2_9_A_T\t0.2\n{none}\t2_7_A_T\t0.001\n"
        assert load_text(text, source_id="s").rejected == {"credible_set_missing": 1}
        assert tags_of(empty_warehouse) == [("s", "2_9_A_T", "2_9_A_T", 0.2, None)]

    @pytest.mark.parametrize("other", ["3_9_A_T", "2_20000010_A_T"])
    def test_sets_whose_ids_begin_anew_in_each_region(self, empty_warehouse, load_text, other):
        text = SETS + f"2\t2_9_A_T\t0.2\n1\t2_9_A_T\t0.2\n1\t{other}\t0.9\n"
        with pytest.raises(DataError, match="credible set 1 has variants on several chromosomes"):
            load_text(text, source_id="s")
        load_text(text.replace("20000010", "20000009").replace("3_9", "2_8"), source_id="s")

    def test_a_row_left_out_leads_nothing(self, empty_warehouse, load_text):
        report = load_text(
            SETS
            + "a\t2_9_A_T\t0.2\na\trs7\t0.8\na\t2_8_A_T\t1.5\n\t2_7_A_T\t0.9\nc\t2_7_A_T\t\n"
            + "a\t2_9_A_T\t0.1\n",
            source_id="s",
        )
        assert report.rejected == {
            "tag_variant_id_missing": 1,
            "posterior_out_of_range": 1,
            "credible_set_missing": 1,
            "posterior_and_r2_missing": 1,
            "duplicate_tag": 1,
        }
        assert tags_of(empty_warehouse) == [("s", "2_9_A_T", "2_9_A_T", 0.2, None)]

    def test_the_order_of_rows_changes_nothing(self, empty_warehouse, load_text):
        chance = random.Random(4)
        rows = [f"set {n % 5}\t1_{n % 23 + 1}_A_T\t{n % 4 / 4}\n" for n in range(200)]
        tables = []
        for name in ("one.tsv", "two.tsv"):
            chance.shuffle(rows)
            load_text(SETS + "".join(rows), name=name, source_id="s")
            tables.append(tags_of(empty_warehouse))
            empty_warehouse.execute("delete from raw.tags")
        assert tables[0] == tables[1]

    @pytest.mark.shared
    def test_a_published_file(self, empty_warehouse, load, shared_data):
        path = shared_data / "v2g/raw/eqtl_catalogue_QTD000584.credible_sets.tsv"
        report = load(empty_warehouse, "tags", path, build="GRCh38", source_id="QTD000584")
        # tail -n +2 FILE | cut -f3,4 | sort -u | wc -l: 185; cut -f3 alone: 29 sets, and as many
        # variants by awk -F'\t' '$7>m[$3]{m[$3]=$7;l[$3]=$4} END{for(c in l)print l[c]}'
        assert (report.n_read, report.n_loaded) == (200, 185)
        assert report.rejected == {"duplicate_tag": 15}
        leads = "select distinct lead_variant_id from raw.tags where lead_variant_id like '1_1000%'"
        assert empty_warehouse.execute(leads).fetchall() == [("1_10003040_A_G",)]
        n_leads = "select count(distinct lead_variant_id) from raw.tags"
        assert empty_warehouse.execute(n_leads).fetchone() == (29,)
