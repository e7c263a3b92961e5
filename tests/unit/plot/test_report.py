"""The report: one page without a network, counts of few donors hidden, tables that work."""

from __future__ import annotations

import html
import importlib.util
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from plot_house import BURDENS, fill
from tests.command import run_main
from tests.v2g import empty_warehouse

from varhouse.errors import DataError
from varhouse.report import write_report
from varhouse.report.cells import hide_small
from varhouse.warehouse import create_functions

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
LOADED = """
insert into load_manifest values
    (1, 'genotypes', '/home/someone/cohort.vcf.gz', 'feedc0de', 10, 'vcf', null, 'GRCh38', 6, 5, 1,
        map {'x': 1}, '0.1', '2026-01-02 03:04:05+00');
insert into load_issues values (1, '/home/someone/cohort.vcf.gz', 7, 'bad_allele', 'no', 1, null);
insert into run_results values ('run_1', 'build', 'model.varhouse.variant_qc', 'model', 'success',
    'f1', 'h', 'c', map {}, 5, 0.5, '2026-01-02 04:00:00+00', '',
    '{"max_maf": [0.05], "b": "<i>", "qc_donors": ["donor17", "donor18"]}', false, '0.1');
create table variant_qc as
select 'v' || i as variant_id, case when i < 12 then 0.2 else 0.004 end as maf,
    0.01 as missingness, 1.0 as hwe_log10p
from range(15) as t (i);
create table sample_qc as
select i as donor_idx, 'donor' || i as donor_id, case when i < 4 then 1 else 2 end as sex,
    0.001 as missingness, 0.3 as heterozygosity,
    case when i < 3 then 0.5 else 0 end as f_coefficient
from range(60) as t (i);
create table v2g_source_weights as
from (values ('eqtl', 'eqtl', 1.0), ('tss', 'distance', 0.5)) as t (source_id, type_id, weight);
create table v2g_source_scores as
from (values ('1_1000_A_G', 'ENSG_AAA', 'eqtl', 0.6, 'Liver', 1.0),
    ('1_1000_A_G', 'ENSG_AAA', 'tss', 0.6, 'unspecified', 0.5),
    ('1_1000_A_G', 'ENSG_BBB', 'tss', 0.3, 'unspecified', 0.5))
    as t (variant_id, gene_id, source_id, score, feature, weight);
create table v2g_scores as
from (values ('1_1000_A_G', 'ENSG_AAA', 'AAA', 0.6, 1, 2, 1.5),
    ('1_1000_A_G', 'ENSG_BBB', 'BBB', 0.1, 2, 1, 1.5))
    as t (variant_id, gene_id, gene_name, overall_score, rank, n_sources, denominator);
create table v2g_evidence (
    variant_id varchar, gene_id varchar, type_id varchar, source_id varchar, feature varchar,
    score double, quantile double, detail varchar, beta double, se double, p_value double,
    load_id integer
);
"""
MADE_AT = datetime(2026, 1, 2, tzinfo=UTC)


class Page(HTMLParser):
    """What a page shows: text, tables, and everything it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.images: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)
        if tag == "img":
            self.images.append(values["alt"] or "")
        address = values.get("src") or (values.get("href") if tag == "link" else None)
        if address and not address.startswith("data:"):
            self.fetched.append(address)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


@pytest.fixture(scope="module")
def full_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "full.duckdb"
    with empty_warehouse(path) as con:
        fill(con)
        con.execute(LOADED)
    return path


@pytest.fixture(scope="module")
def page_file(full_house: Path) -> Path:
    """Return the report that the command writes."""
    out = full_house.with_name("report.html")
    words = ("--variant", "rs0", "--db", str(full_house), "--threads", "1")
    assert run_main("report", "--out", str(out), *words) == 0
    return out


@pytest.fixture(scope="module")
def text(page_file: Path) -> str:
    return page_file.read_text(encoding="utf-8")


def rows_of(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table whose headings begin so."""
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        names = [
            re.sub("<.*?>", "", name) for name in re.findall(r"<th[ >].*?</th>", table, re.DOTALL)
        ]
        if " ".join(names).startswith(heading):
            return [
                [html.unescape(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)]
                for row in re.findall(r"<tr>(<td.*?)</tr>", table, re.DOTALL)
            ]
    raise AssertionError(f"no table {heading}")


def test_the_page_fetches_nothing_and_is_well_formed(text: str) -> None:
    page = Page(text)
    assert page.fetched == []
    assert page.open == page.unbalanced == []
    assert "http" not in re.sub(r'base64,[^"]*', "", text).replace("http-equiv", "")
    assert [title for title in page.images if "genome" in title] == [
        f"P-values of genes along the genome in {cell_type}" for cell_type in ("B", "T")
    ]
    assert len(page.images) == 5


def test_every_tested_gene_is_in_the_table(text: str) -> None:
    found = {(row[0], row[1]): row[4] for row in rows_of(text, "cell type gene gene id")}
    best: dict[tuple[str, str], float] = {}
    for (cell_type, _), genes in BURDENS.items():
        for gene, log10p in genes.items():
            if log10p is not None:
                key = cell_type, gene
                best[key] = max(best.get(key, 0.0), log10p)
    assert {key: float(value) for key, value in found.items()} == best


def test_files_runs_and_vars_are_listed(text: str) -> None:
    (load,) = rows_of(text, "kind file sha256")
    assert load[:3] == ["genotypes", "cohort.vcf.gz", "feedc0de"]
    assert rows_of(text, "run id command")[0][:5] == ["run_1", "build", "1", "1", "0"]
    assert ["b", "<i>"] in rows_of(text, "var value")
    assert "/home/someone" not in text


def test_few_donors_are_not_counted_and_none_is_named(text: str) -> None:
    assert "donor1" not in text
    assert ["qc_donors", "< 10 donors, listed"] in [row[:2] for row in rows_of(text, "var value")]
    tested = {row[0]: row[1] for row in rows_of(text, "cell type donors tested")}
    assert tested == {"B": "60", "T": "< 10"}
    (counts,) = rows_of(text, "donors missing")
    # 60 donors: none missing too much, 3 with |F| > 0.2, 4 men, whom 56 women would give away
    assert counts == ["60", "0", "< 10", "< 10", ""]
    assert [row[:2] for row in rows_of(text, "minor allele frequency")] == [
        ["0.001 to 0.01", "< 10"],
        ["0.05 and more", "12"],
    ]
    assert {row[8] for row in rows_of(text, "cell type gene gene id")} == {"< 10"}
    assert [hide_small(n) for n in (0, 1, 9, 10, 1000)] == ["0", "< 10", "< 10", "10", "1,000"]


def test_the_variant_is_explained(text: str) -> None:
    assert [row[1] for row in rows_of(text, "rank gene overall")] == ["AAA", "BBB"]
    parts = rows_of(text, "source feature detail")
    # 1 x 0.6 / 1.5 and 0.5 x 0.6 / 1.5
    assert [(row[0], float(row[5])) for row in parts] == [("eqtl", 0.4), ("tss", 0.2)]


def test_equal_warehouses_give_equal_pages(full_house: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(full_house), read_only=True) as con:
        create_functions(con)
        pages = [
            write_report(con, tmp_path / f"{i}.html", made_at=MADE_AT).read_bytes()
            for i in range(2)
        ]
    assert pages[0] == pages[1]


def test_an_empty_warehouse_has_a_page_too(tmp_path: Path, monkeypatch) -> None:
    with empty_warehouse() as con:
        page = write_report(con, tmp_path / "page.html").read_text(encoding="utf-8")
        assert "Nothing is loaded." in page
        assert "varhouse rvat" in page
        with pytest.raises(DataError, match="varhouse build"):
            write_report(con, tmp_path / "other.html", variant="1_1000_A_G")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_without_matplotlib_the_page_says_what_to_install(
    full_house: Path, tmp_path: Path, monkeypatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    with duckdb.connect(str(full_house), read_only=True) as con:
        create_functions(con)
        page = write_report(con, tmp_path / "page.html").read_text(encoding="utf-8")
    assert Page(page).images == []
    assert "pip install &#39;varhouse[viz]&#39;" in page or "pip install 'varhouse[viz]'" in page
    assert len(rows_of(page, "cell type gene gene id")) == 7


PROBE = """
<script>
(() => {
  const column = (i) => [...document.querySelectorAll("#results tbody tr")]
    .filter((row) => !row.hidden).map((row) => row.cells[i].textContent).join(",");
  const press = (i) => document.querySelectorAll("#results th button")[i].click();
  const said = [];
  const search = document.getElementById("search");
  const find = (words) => { search.value = words; search.dispatchEvent(new Event("input")); };
  press(1); said.push(column(1));
  press(4); said.push(column(4));
  press(4); said.push(column(4));
  find("ccc t"); said.push(column(0) + " " + column(1));
  find("nothing"); said.push(document.getElementById("found").textContent);
  find(""); said.push(document.getElementById("found").textContent);
  document.body.dataset.said = said.join("|");
  document.body.dataset.images = [...document.images].every((image) => image.naturalWidth > 0);
})();
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_in_a_browser_the_table_sorts_and_filters(text: str, tmp_path: Path) -> None:
    probed = tmp_path / "probed.html"
    probed.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu",
            "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000", "--dump-dom",
            probed.as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    said = re.search(r'data-said="([^"]*)"', done.stdout)
    assert said, done.stdout[-2000:]
    by_name, rising, falling, found, none, all_again = html.unescape(said[1]).split("|")
    assert by_name == "AAA,AAA,BBB,BBB,CCC,CCC,DDD"
    numbers = [float(value) for value in rising.split(",")]
    assert numbers == sorted(numbers)
    assert [float(value) for value in falling.split(",")] == numbers[::-1]
    # words are found in any column: "t" is in the cell type and in "burden" is none
    assert set(found.split(" ")[1].split(",")) == {"CCC"}
    assert (none, all_again) == ("0 of 7 rows", "7 of 7 rows")
    assert 'data-images="true"' in done.stdout
