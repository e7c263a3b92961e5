"""Which ALT an allele of VEP's stands for, held to a twin written from VEP's documentation."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varhouse.ingest.annotations.alleles import alt_sql


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    yield connection
    connection.close()


def chosen(
    con: duckdb.DuckDBPyConnection,
    ref: str,
    alts: list[str],
    allele: str,
    *,
    number: str | None = None,
    seen: list[str] | None = None,
    rule: str = "vep",
) -> str | None:
    # a result read by half would bar the next test from the connection
    ((found,),) = con.execute(
        f"select {alt_sql('site', 'allele', 'number', 'seen', rule)} from (select "
        "struct_pack(ref := ?::varchar, alts := ?::varchar[]) as site, ?::varchar as allele, "
        "?::varchar as number, ?::varchar[] as seen)",
        [ref, alts, allele, number, seen],
    ).fetchall()
    return found


def alleles_of_vep(ref: str, alts: list[str]) -> list[str]:
    """Return the names that VEP gives the ALTs of a VCF line.

    "Converted to Ensembl style by removing the prepended base, but only if the same first base is
    shared by all REF and ALT alleles"; ``*`` alleles are ignored, and so are sites without indels.
    """
    has_indel = any(len(alt) != len(ref) for alt in alts)
    plain = [allele for allele in (ref, *alts) if "*" not in allele]
    if has_indel and len({allele[0] for allele in plain}) == 1:
        return [alt if "*" in alt else alt[1:] or "-" for alt in alts]
    return alts


BASES = st.text(alphabet="ACGT", min_size=1, max_size=4)


SITES = st.tuples(BASES, st.lists(BASES | st.just("*"), min_size=1, max_size=4, unique=True))


@given(sites=st.lists(SITES, min_size=20, max_size=60))
@settings(max_examples=15, deadline=None)
def test_every_allele_finds_its_alt(
    con: duckdb.DuckDBPyConnection, sites: list[tuple[str, list[str]]]
) -> None:
    cases = []
    for ref, drawn in sites:
        alts = [alt for alt in drawn if alt != ref] or ["*"]
        names = alleles_of_vep(ref, alts)
        cases += [(ref, alts, name, alt, names) for alt, name in zip(alts, names, strict=True)]
    con.register(
        "cases",
        pa.table(
            dict(
                zip(("ref", "alts", "allele", "alt", "seen"), zip(*cases, strict=True), strict=True)
            )
        ),
    )
    picked = alt_sql("site", "allele", "null", "seen", "vep")
    wrong = con.execute(
        f"select site, allele, alt, {picked} as picked from (select "
        "struct_pack(ref := ref, alts := alts) as site, allele, alt, seen from cases) "
        "where picked is distinct from alt"
    ).fetchall()
    assert wrong == []


@pytest.mark.parametrize(
    ("ref", "alts", "allele", "alt"),
    [
        # both lose their first base; A is what is left of AA, not the first ALT
        ("AAT", ["A", "AA"], "A", "AA"),
        # of AA without its first base nothing is left either, where VEP trims each pair
        ("AAT", ["A", "AA"], "-", None),
        # the first bases differ, so nothing is taken off
        ("A", ["AT", "C"], "C", "C"),
        # T may be what is left of AT
        ("A", ["AT", "T"], "T", None),
        # as with --minimal: CA is TCA without the T that it shares with the reference
        ("TAA", ["TCAAA", "C"], "CA", "TCAAA"),
        ("GT", ["G", "C"], "X", None),
        ("G", ["a"], "anything", "a"),
    ],
)
def test_alleles_by_hand(
    con: duckdb.DuckDBPyConnection, ref: str, alts: list[str], allele: str, alt: str | None
) -> None:
    assert chosen(con, ref, alts, allele) == alt


def test_alleles_of_the_whole_site_tell_how_it_was_trimmed(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert chosen(con, "AAT", ["A", "AA"], "-", seen=["A", "-", "A"]) == "A"
    assert chosen(con, "AAT", ["A", "AA"], "-", seen=["-", "-"]) is None
    assert chosen(con, "AAT", ["A", "AA"], "-", seen=["-"], number="2") == "AA"
    assert chosen(con, "A", ["AT", "T"], "T", seen=["AT", "T"]) == "T"
    # what VEP ignores says nothing
    assert chosen(con, "AAT", ["A", "*", "AA"], "-", seen=["-", "A"]) == "A"


def test_a_number_beats_the_name(con: duckdb.DuckDBPyConnection) -> None:
    assert chosen(con, "G", ["A", "T"], "A", number="2") == "T"


def test_snpeff_names_the_alt_itself(con: duckdb.DuckDBPyConnection) -> None:
    assert chosen(con, "AAT", ["A", "AA"], "A", rule="vcf") == "A"
