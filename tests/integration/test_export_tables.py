"""Exported tables: what is loaded again is the same, and the dialects carry their own names."""

from __future__ import annotations

import csv
import gzip
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from load_inputs import load
from tests.command import invoke
from tests.loading import write_text

from varhouse.errors import UsageError
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

HEADER = "variant_id\trsid\tgene_id\tbeta\tse\tp_value\taf\tn\ttest"
ROWS = [
    "1_100_A_G\trs1\tENSG00000000001\t0.5\t0.1\t5.733e-7\t0.25\t1000\tADD",
    "1_90_C_T\trs2\tENSG00000000001\t-0.25\t0.125\t0.0455\t0.5\t1000\tADD",
    "X_200_C_T\trs3\tENSG00000000002\t8\t0.125\t3.5e-900\t0.125\t1000\tADD",
]
STORED = """
    select variant_id, chrom, pos, ref, alt, beta, se, round(log10p, 6), af, n
    from sumstats
    where study_id = 'S1'
    order by all
"""

# Headers as the tools write them; optional columns that are unknown here, study and trait aside.
HEADERS = {
    "as_regenie": "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA",
    "as_tensorqtl": "phenotype_id variant_id start_distance af ma_samples ma_count pval_nominal "
    "slope slope_se",
    "as_plink2": "#CHROM POS ID REF ALT A1 OMITTED A1_FREQ MACH_R2 TEST OBS_CT BETA SE T_STAT P "
    "ERRCODE NEG_LOG10_P",
    "as_saige": "CHR POS MarkerID Allele1 Allele2 AC_Allele2 AF_Allele2 MissingRate imputationInfo "
    "BETA SE Tstat var p.value N N_case N_ctrl",
    "as_ssf": "chromosome base_pair_location effect_allele other_allele beta standard_error "
    "effect_allele_frequency p_value variant_id rsid ref_allele neg_log_10_p_value info n n_cases "
    "n_controls",
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a study of three associations, one of them beyond the doubles."""
    folder = tmp_path_factory.mktemp("loaded")
    path = folder / "house.duckdb"
    with open_warehouse(Settings(database=path, threads=1)) as con:
        load(con, "sumstats", write_text(folder, "s.tsv", HEADER, *ROWS), source_id="S1")
        con.execute(
            "insert into raw.genes (gene_id, chrom, start_pos, end_pos, strand, tss_pos, load_id) "
            "values ('ENSG00000000001', '1', 60, 80, -1, 80, 1)"
        )
    return path


@pytest.fixture
def database(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(loaded, tmp_path / "house.duckdb")


def export(database: Path, *arguments: str) -> Result:
    return invoke("export", "table", *arguments, "--db", str(database))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with open_warehouse(Settings(database=path, threads=1), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.mark.parametrize("view", sorted(HEADERS))
def test_a_dialect_has_its_header_and_loads_as_the_same(
    database: Path, tmp_path: Path, view: str
) -> None:
    out, again = tmp_path / "out.tsv.gz", tmp_path / "again.duckdb"
    result = export(database, view, "--out", str(out))
    assert f"3 rows of {view}" in result.stderr
    lines = gzip.decompress(out.read_bytes()).decode().splitlines()
    assert lines[0].split("\t") == HEADERS[view].split()
    with open_warehouse(Settings(database=again, threads=1)) as con:
        (report,) = load(con, "sumstats", out, source_id="S1")
        assert report.n_rejected == 0
    expected = rows(database, STORED)
    if view in ("as_saige", "as_tensorqtl"):
        # these have no place for a p-value below the doubles
        found = rows(again, STORED)
        assert [row[:7] for row in found] == [row[:7] for row in expected]
        assert found[0] == (*expected[0][:9], found[0][9])
        return
    assert rows(again, STORED) == expected


def test_files_without_a_column_for_it_have_one_test(database: Path, tmp_path: Path) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        con.execute("update raw.sumstats set test = 'DOM' where pos = 90")
    counts = {view: rows(database, f"select count(*) from {view}")[0][0] for view in HEADERS}
    assert counts == {
        "as_regenie": 3, "as_plink2": 3, "as_saige": 2, "as_tensorqtl": 2, "as_ssf": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        ("as_regenie", ["N"]),
        ("as_plink2", ["OBS_CT"]),
        ("as_saige", ["N", "N_case", "N_ctrl"]),
        ("as_ssf", ["n", "n_cases", "n_controls"]),
    ],
)
def test_numbers_of_people_are_whole(
    database: Path, tmp_path: Path, view: str, columns: list[str]
) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        con.execute("update raw.sumstats set n_cases = 399.6, n = 1000.4")
    out = tmp_path / "out.tsv"
    export(database, view, "--out", str(out))
    header, row, *_ = (line.split("\t") for line in out.read_text().splitlines())
    cells = dict(zip(header, row, strict=True))
    assert [cells[name] for name in columns] == ["1000", "400", "601"][: len(columns)]


def test_several_rsids_shift_no_column(database: Path, tmp_path: Path) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        con.execute("update raw.sumstats set rsid = 'rs1,rs7'")
    for view in HEADERS:
        out = tmp_path / f"{view}.csv"
        export(database, view, "--out", str(out))
        with out.open(newline="") as stream:
            header, *found = csv.reader(stream)
        assert header == HEADERS[view].split()
        assert {len(row) for row in found} == {len(header)}
    assert rows(database, "select distinct rsid from as_ssf") == [("rs1",)]


def test_gwas_ssf_holds_what_its_specification_accepts(database: Path) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        con.execute("update raw.sumstats set alt = '*' where pos = 90")
        con.execute("update raw.sumstats set chrom = 'MT' where pos = 100")
    found = rows(database, "select chromosome, variant_id from as_ssf order by 1")
    assert found == [(23, "23_200_C_T"), (25, "25_100_A_G")]


def test_distances_are_to_the_tss(database: Path) -> None:
    assert rows(database, "select variant_id, start_distance from as_tensorqtl order by 1") == [
        ("1_100_A_G", 20), ("1_90_C_T", 10), ("X_200_C_T", None),
    ]  # fmt: skip


def test_own_columns_load_as_the_same_table(database: Path, tmp_path: Path) -> None:
    everything = "select * exclude (load_id) from raw.sumstats order by all"
    for name in ("own.tsv", "own.tsv.gz", "own.csv", "own.parquet"):
        out, again = tmp_path / name, tmp_path / f"{name}.duckdb"
        export(database, "sumstats", "--out", str(out))
        with open_warehouse(Settings(database=again, threads=1)) as con:
            load(con, "sumstats", out)
        columns = "study_id, variant_id, rsid, gene_id, beta, se, p_value, log10p, n, af, test"
        sql = f"select {columns} from ({everything})"
        assert rows(again, sql) == rows(database, sql)


def test_parquet_keeps_types_and_order(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    export(database, "sumstats", "--out", str(out))
    table = pq.read_table(out)
    assert table["variant_id"].to_pylist() == ["1_100_A_G", "1_90_C_T", "X_200_C_T"]
    assert str(table.schema.field("pos").type) == "int32"


@pytest.mark.parametrize(
    ("view", "chrom", "names"),
    [
        ("as_regenie", "CHROM", ["2", "10", "23", "24", "26"]),
        ("as_saige", "CHR", ["2", "10", "X", "Y", "MT"]),
        ("as_plink2", "#CHROM", ["2", "10", "X", "Y", "MT"]),
        ("as_ssf", "chromosome", ["2", "10", "23", "24", "25"]),
    ],
)
def test_rows_of_a_dialect_lie_along_the_genome(
    tmp_path: Path, view: str, chrom: str, names: list[str]
) -> None:
    places = [(name, pos) for pos in (900, 1000, 20) for name in ("X", "10", "MT", "2", "Y")]
    lines = [f"{name}_{pos}_A_{alt}\t0.5" for name, pos in places for alt in "TC"]
    path = tmp_path / "house.duckdb"
    with open_warehouse(Settings(database=path, threads=1)) as con:
        load(con, "sumstats", write_text(tmp_path, "s.tsv", "variant_id\tp_value", *lines),
             source_id="S1")  # fmt: skip
    out = tmp_path / "out.tsv"
    export(path, view, "--out", str(out))
    with out.open(encoding="utf-8") as file:
        written = list(csv.DictReader(file, delimiter="\t"))
    allele = {"as_regenie": "ALLELE1", "as_saige": "Allele2", "as_plink2": "ALT"}
    position = {"as_regenie": "GENPOS", "as_ssf": "base_pair_location"}
    found = [
        (row[chrom], int(row[position.get(view, "POS")]), row[allele.get(view, "effect_allele")])
        for row in written
    ]
    assert found == [(name, pos, alt) for name in names for pos in (20, 900, 1000) for alt in "CT"]


def test_a_file_for_tensorqtl_is_sorted_by_phenotype(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tsv"
    export(database, "as_tensorqtl", "--out", str(out))
    lines = [line.split("\t")[:3] for line in out.read_text().splitlines()[1:]]
    assert lines == [
        ["ENSG00000000001", "1_90_C_T", "10"],
        ["ENSG00000000001", "1_100_A_G", "20"],
        ["ENSG00000000002", "X_200_C_T", ""],
    ]


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("rvat_summary", "cell_type test weight mask max_maf"),
        ("rvat_burden", "cell_type gene_id weight aggregation mask max_maf"),
        ("rvat_skat", "cell_type gene_id test weight mask max_maf"),
        ("rvat_acat", "cell_type gene_id aggregation mask max_maf"),
        ("rvat_omnibus", "cell_type gene_id"),
        ("rvat_warnings", "code name"),
    ],
)
def test_results_are_in_the_order_of_what_they_are_about(
    database: Path, tmp_path: Path, table: str, keys: str
) -> None:
    names = keys.split()
    each = ["unnest([0.01, 0.5, null])" if name == "max_maf" else "unnest(['b', 'a'])"
            for name in names]  # fmt: skip
    with open_warehouse(Settings(database=database, threads=1)) as con:
        crossed = " cross join ".join(
            f"(select {value} as {name})" for name, value in zip(names, each, strict=True)
        )
        con.execute(f"create table {table} as select * from {crossed} order by random()")
        wanted = con.sql(f"from {table} order by {', '.join(names)} nulls last").fetchall()
    out = tmp_path / "x.parquet"
    export(database, table, "--out", str(out))
    assert [tuple(row.values()) for row in pq.read_table(out).to_pylist()] == wanted


def test_a_file_of_a_dialect_is_of_one_study(database: Path, tmp_path: Path) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        load(con, "sumstats", write_text(tmp_path, "t.tsv", HEADER, ROWS[0]), source_id="S2")
    out = tmp_path / "out.tsv"
    with pytest.raises(UsageError, match=r"2 studies \(S1, S2\)"):
        export(database, "as_ssf", "--out", str(out))
    with pytest.raises(UsageError, match="no such study"):
        export(database, "as_ssf", "--out", str(out), "--study", "S3")
    assert not out.exists()
    assert "1 rows" in export(database, "as_ssf", "--study", "S2", "--out", str(out)).stderr
    assert len(out.read_text().splitlines()) == 2


@pytest.mark.parametrize("view", ["as_regenie", "as_saige", "as_plink2", "as_ssf"])
def test_a_file_without_a_column_for_it_is_of_one_trait(
    database: Path, tmp_path: Path, view: str
) -> None:
    text = write_text(tmp_path, "t.tsv", HEADER, ROWS[0], ROWS[0].replace("0001\t", "0003\t"))
    with open_warehouse(Settings(database=database, threads=1)) as con:
        load(con, "sumstats", text, source_id="S2")
    out = tmp_path / "out.tsv"
    with pytest.raises(UsageError, match=r"several traits \(ENSG\d+1, ENSG\d+3\).*as_tensorqtl"):
        export(database, view, "--out", str(out), "--study", "S2")
    assert "2 rows" in export(database, "as_tensorqtl", "--out", str(out), "--study", "S2").stderr
    of_study = ("--out", str(out), "--study", "S2")
    assert "1 rows" in export(database, view, *of_study, "--trait", "ENSG00000000003").stderr
    header, line = out.read_text().splitlines()
    assert header.split("\t") == HEADERS[view].split()
    assert len(line.split("\t")) == len(HEADERS[view].split())


def test_a_trait_is_one_of_the_study(database: Path, tmp_path: Path) -> None:
    columns = "variant_id\ttrait_id\tgene_id\tbeta\tse\tp_value"
    lines = [
        f"1_{pos}_A_G\t{trait}\t{gene}\t{effect}\t0.5\t0.04"
        for effect, (trait, gene) in enumerate(
            [("intron1", "ENSG00000000004"), ("intron2", "ENSG00000000004"), ("height", "")],
            start=1,
        )
        for pos in (100, 200)
    ]
    with open_warehouse(Settings(database=database, threads=1)) as con:
        load(con, "sumstats", write_text(tmp_path, "t.tsv", columns, *lines), source_id="S2")
    out = tmp_path / "out.tsv"

    def betas(name: str, column: str, trait: str) -> list[float]:
        export(database, name, "--out", str(out), "--study", "S2", "--trait", trait)
        with out.open(encoding="utf-8") as file:
            return [float(row[column]) for row in csv.DictReader(file, delimiter="\t")]

    assert betas("as_regenie", "BETA", "intron2") == [2, 2]
    assert betas("as_saige", "BETA", "height") == [3, 3]
    assert betas("as_tensorqtl", "slope", "ENSG00000000004") == [1, 1, 2, 2]
    assert betas("sumstats", "beta", "intron1") == [1, 1]
    with pytest.raises(UsageError, match=r"several traits \(intron1, intron2\).*add --trait ID"):
        betas("as_regenie", "BETA", "ENSG00000000004")
    with pytest.raises(UsageError, match=r"no such trait_id or gene_id; it has ENSG\d+4, height, in"
                       r"tron1, intron2\. Did you mean intron\d, intron\d\?"):  # fmt: skip
        betas("as_regenie", "BETA", "intron3")
    with pytest.raises(UsageError, match="no such trait_id"):
        export(database, "as_ssf", "--out", str(out), "--study", "S1", "--trait", "height")
    with pytest.raises(UsageError, match="--trait height: genes has no column trait_id"):
        export(database, "genes", "--out", str(out), "--trait", "height")


def test_a_view_of_an_earlier_version_is_made_anew_by_a_command_that_writes(
    database: Path, tmp_path: Path
) -> None:
    with open_warehouse(Settings(database=database, threads=1)) as con:
        ((sql,),) = con.execute(
            "select sql from duckdb_views() where view_name = 'as_saige'"
        ).fetchall()
        con.execute("drop view as_saige")
        con.execute(sql.replace(", trait_id, gene_id", ""))
        con.execute("delete from schema_version")
    of_trait = ("as_saige", "--out", str(tmp_path / "x.tsv"), "--trait", "ENSG00000000001")
    with pytest.raises(UsageError, match=r"as_saige has no column trait_id\. An earlier varhouse"):
        export(database, *of_trait)
    invoke("build", "-s", "v2g_profile", "--db", str(database))
    assert "2 rows" in export(database, *of_trait).stderr


@pytest.mark.parametrize(
    "name", ["donors", "genotypes", "raw.covariates", "pseudobulk", "raw.pseudobulk"]
)
def test_rows_about_persons_stay_unless_told(database: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.parquet"
    with pytest.raises(UsageError, match="single persons"):
        export(database, name, "--out", str(out))
    assert not out.exists()
    export(database, name, "--out", str(out), "--with-persons")
    assert out.exists()


def test_wrong_names_are_told(database: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean sumstats"):
        export(database, "sumstat", "--out", str(tmp_path / "x.tsv"))
    with pytest.raises(
        UsageError, match=r"Did you mean as_regenie\? .*--select \+as_regenie_gene$"
    ):
        export(database, "as_regenie_gene", "--out", str(tmp_path / "x.tsv"))
    with pytest.raises(UsageError, match=r"wanted one of \.csv, .*\.parquet\."):
        export(database, "sumstats", "--out", str(tmp_path / "x.xlsx"))
    with pytest.raises(UsageError, match="no column study_id"):
        export(database, "genes", "--out", str(tmp_path / "x.tsv"), "--study", "S1")


def test_variants_load_as_the_same_index(tmp_path: Path) -> None:
    database, again = tmp_path / "v.duckdb", tmp_path / "again.duckdb"
    lines = ["variant_id,rsid", "2_5_A_G,rs7", "1_9_C_CT,", "X_3_T_A,rs8"]
    with open_warehouse(Settings(database=database, threads=1)) as con:
        load(con, "variants", write_text(tmp_path, "v.csv", *lines))
    out = tmp_path / "out.tsv.gz"
    export(database, "variants", "--out", str(out))
    with open_warehouse(Settings(database=again, threads=1)) as con:
        load(con, "variants", out)
    sql = "select * from variants order by variant_idx"
    assert rows(again, sql) == rows(database, sql)
