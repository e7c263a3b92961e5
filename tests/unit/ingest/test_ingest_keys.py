"""Keys of the house: one rule for contigs, variant ids, gene ids, whatever came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from varhouse.errors import UsageError
from varhouse.ingest import keys
from varhouse.ingest.builds import CHROMOSOME_LENGTHS, CHROMOSOMES, normalised_build
from varhouse.sql_text import text_literal
from varhouse.warehouse import create_functions

# Spelling -> canonical id, written by hand.
VARIANTS: list[tuple[str | None, str | None]] = [
    ("22_16388891_G_A", "22_16388891_G_A"),
    ("chr22:16388891:G:A", "22_16388891_G_A"),
    ("CHR22-16388891-G-A", "22_16388891_G_A"),
    ("22_16388891_G_A_b38", "22_16388891_G_A"),
    ("chr1_64764_C_T_b37", "1_64764_C_T"),
    ("16:53800954:t:c", "16_53800954_T_C"),
    ("  16_53800954_T_C ", "16_53800954_T_C"),
    ("1_65568_A/C", "1_65568_A_C"),
    ("01:5:A:T", "1_5_A_T"),
    ("23:5:A:T", "X_5_A_T"),
    ("x:5:A:T", "X_5_A_T"),
    ("24_5_A_T", "Y_5_A_T"),
    ("26_5_A_T", "MT_5_A_T"),
    ("chrM:5:A:T", "MT_5_A_T"),
    ("MT_5_A_T", "MT_5_A_T"),
    ("16_53682516_GTACG_.", "16_53682516_GTACG_."),
    ("16_53682516_GTACG_G.", "16_53682516_GTACG_G."),
    ("3_100_A_*", "3_100_A_*"),
    ("3:100:A:<DEL>", "3_100_A_<DEL>"),
    ("3_100_A_<INS:ME:ALU>", "3_100_A_<INS:ME:ALU>"),
    ("3_100_CTT_C", "3_100_CTT_C"),
    ("3_100_NA_.NT", "3_100_NA_.NT"),
    ("3:0100:A>T", "3_100_A_T"),
    ("3_123456789_A_T", "3_123456789_A_T"),
    ("3_1234567890_A_T", None),
    ("3_100_A_<D L>", None),
    ("3_100_A_T_b36", None),
    ("25_5_A_T", None),
    ("27_5_A_T", None),
    ("chrUn_5_A_T", None),
    ("1_0_A_T", None),
    ("1_-5_A_T", None),
    ("1_5_A", None),
    ("1_5_A_T_G", None),
    ("1_5_A_-", None),
    ("1_5_E_T", None),
    ("rs1421085", None),
    ("", None),
    (None, None),
]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    create_functions(connection)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def evaluate(con: duckdb.DuckDBPyConnection) -> Callable[[str, Any], Any]:
    def run(expression: str, value: Any) -> Any:
        rows = con.execute(
            f"select {expression} from (select cast(? as varchar) as given)", [value]
        ).fetchall()
        return rows[0][0]

    return run


@pytest.mark.parametrize(("text", "key"), VARIANTS)
def test_a_variant_is_read_in_every_usual_spelling(
    evaluate: Callable[[str, Any], Any], text: str | None, key: str | None
) -> None:
    assert evaluate(keys.variant_key_sql("given"), text) == key


@pytest.mark.parametrize(("text", "key"), VARIANTS)
def test_the_sql_function_follows_the_same_rule(
    evaluate: Callable[[str, Any], Any], text: str | None, key: str | None
) -> None:
    assert evaluate("variant_key(given)", text) == key


def test_the_sql_function_works_on_columns_and_in_conditions(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = con.execute(
        "select variant_key(v) from (values ('chr1:5:a:t'), ('rs5'), (null)) as t(v) "
        "where variant_key(v) is not null"
    ).fetchall()
    assert rows == [("1_5_A_T",)]


@pytest.mark.parametrize(
    ("contig", "chrom"),
    [("chr1", "1"), ("Chr22", "22"), ("01", "1"), ("23", "X"), ("24", "Y"), ("26", "MT"),
     ("chrM", "MT"), ("m", "MT"), ("chrX", "X"), (" 7 ", "7"), ("nc_000021.9", "21"),
     ("25", None), ("0", None),
     ("XY", None), ("GL000192.1", None), ("chr1_random", None), ("", None), (None, None)],
)  # fmt: skip
def test_contigs_become_bare(
    evaluate: Callable[[str, Any], Any], contig: str | None, chrom: str | None
) -> None:
    assert evaluate(keys.chrom_sql("given"), contig) == chrom


def test_contigs_are_ranked_in_their_usual_order(evaluate: Callable[[str, Any], Any]) -> None:
    ranks = [evaluate(keys.contig_rank_sql("given"), chrom) for chrom in CHROMOSOMES]
    assert ranks == list(range(1, 26))


@pytest.mark.parametrize(
    ("text", "gene", "version"),
    [("ENSG00000140718", "ENSG00000140718", None),
     ("ENSG00000140718.21", "ENSG00000140718", 21),
     (" ENSG00000140718 ", "ENSG00000140718", None),
     ("ENSG00000002586.20_PAR_Y", "ENSG00000002586_PAR_Y", 20),
     ("ENSG00000223972.5_2", "ENSG00000223972", 5),
     ("ENSG00000182378.14_5_PAR_Y", "ENSG00000182378_PAR_Y", 14),
     ("ENSMUSG00000000001.400", "ENSMUSG00000000001", 400),
     ("XENSG00000000001.4", "XENSG00000000001.4", None),
     ("RP11-357N13.3", "RP11-357N13.3", None),
     ("-", None, None), ("NA", None, None), ("", None, None), (".", None, None),
     (None, None, None)],
)  # fmt: skip
def test_gene_ids_lose_their_version(
    evaluate: Callable[[str, Any], Any], text: str | None, gene: str | None, version: int | None
) -> None:
    assert evaluate(keys.gene_id_sql("given"), text) == gene
    assert evaluate(keys.gene_version_sql("given"), text) == version


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), (" 5 ", 5), ("5.0", 5), ("1e5", 100000), ("1.5e+03", 1500), ("-3", -3),
     ("+3", 3), ("5.00", 5), (" 1E5 ", 100000), ("123456789012345678", 123456789012345678),
     ("1.5", None),
     ("1.55e1", None), ("0x10", None), ("1_000", None), ("abc", None), ("", None), (None, None),
     ("99999999999999999999", None)],
)  # fmt: skip
def test_whole_numbers_are_never_rounded(
    evaluate: Callable[[str, Any], Any], text: str | None, number: int | None
) -> None:
    assert evaluate(keys.integer_sql("given"), text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [(" 1.5 ", 1.5), ("+7", 7.0), ("1e-400", 0.0), ("-Inf", float("-inf")),
     ("1_1", None), ("1_000", None), ("1.5_2", None), ("1e1_0", None),
     ("abc", None), ("", None), (None, None)],
)  # fmt: skip
def test_ids_are_no_numbers(
    evaluate: Callable[[str, Any], Any], text: str | None, number: float | None
) -> None:
    assert evaluate(keys.number_sql("given"), text) == number


@pytest.mark.parametrize(
    "text", ["", " ", "NA", "na", "#NA", "n/a", "#N/A", "<NA>", ".", "-", r"\N", "NULL", "None"]
)
def test_spellings_of_missing(evaluate: Callable[[str, Any], Any], text: str) -> None:
    assert evaluate(keys.missing_sql("given"), text) is None


def test_what_is_there_is_trimmed_and_quoted(evaluate: Callable[[str, Any], Any]) -> None:
    assert evaluate(keys.missing_sql("given"), " it's ") == "it's"
    assert evaluate(text_literal("it's"), None) == "it's"


@pytest.mark.parametrize(
    ("text", "allele"), [("A", "A"), (" gt ", "GT"), ("<del>", "<DEL>"), ("-", None), ("E", None)]
)
def test_alleles_are_bases_or_symbols(
    evaluate: Callable[[str, Any], Any], text: str, allele: str | None
) -> None:
    assert evaluate(keys.allele_sql("given"), text) == allele


@pytest.mark.parametrize(
    ("name", "build"),
    [("hg19", "GRCh37"), ("b37", "GRCh37"), ("GRCh37", "GRCh37"), ("grch37.p13", "GRCh37"),
     ("HG38", "GRCh38"), ("b38", "GRCh38"), (" GRCh38 ", "GRCh38"), ("GRCh38.p14", "GRCh38")],
)  # fmt: skip
def test_builds_have_one_spelling(name: str, build: str) -> None:
    assert normalised_build(name) == build


def test_an_unknown_build_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"hg18.*GRCh37.*GRCh38"):
        normalised_build("hg18")


@pytest.mark.shared
@pytest.mark.parametrize(("file", "build"), [("hg19", "GRCh37"), ("hg38", "GRCh38")])
def test_chromosome_lengths_agree_with_ucsc(shared_data: Any, file: str, build: str) -> None:
    table = shared_data / "formats" / "genemodel" / f"{file}.seqinfo.tsv"
    lines = (line.split("\t") for line in table.read_text().splitlines()[1:])
    published = {cells[0].removeprefix("chr"): int(cells[1]) for cells in lines}
    for chrom, length in CHROMOSOME_LENGTHS[build].items():
        name = "M" if chrom == "MT" and "MT" not in published else chrom
        assert published[name] == length, chrom
