"""The commands of docs/rvat.md on real files, and some of their p-values from the files by hand."""

from __future__ import annotations

import csv
import gzip
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import h5py
import numpy as np
import pytest
from scipy import integrate, sparse, stats
from tests.command import run_program
from tests.expression import add_expression
from tests.rvat import Cohort
from tests.v2g import build, empty_warehouse

REPO = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```(?P<info>\w*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
FILES = {
    "genes.gff3.gz": "genemodel/ensembl_grch38_chr21.gff3.gz",
    "genotypes.vcf.gz": "e2e_chr21/donors120_chr21.vcf.gz",
    "consequences.vep.txt.gz": "vep/chr21_vep115.tab.txt.gz",
    "cells.h5ad": "e2e_chr21/cells559_rawcounts.h5ad",
    "covariates.tsv": "e2e_chr21/covariates.tsv",
}
COVARIATES = ("sex", "age", "PC1", "PC2", "PC3", "PC4", "PC5")


def blocks(info: str) -> list[str]:
    page = (REPO / "docs" / "rvat.md").read_text(encoding="utf-8")
    return [block["body"] for block in FENCED.finditer(page) if block["info"] == info]


def test_every_query_of_the_page_runs() -> None:
    assert len(blocks("sql")) >= 4
    with empty_warehouse() as con:
        Cohort().load(con)
        build(con, select=["+rvat_summary"], cis_window_bp=20_000)
        for query in blocks("sql"):
            assert con.sql(query).columns
            con.sql(query).fetchall()


class House(NamedTuple):
    """The folder with the files, and what each command of the page printed."""

    folder: Path
    printed: list[str]


def run(line: str, folder: Path) -> str:
    done = run_program(*shlex.split(line)[1:], cwd=folder)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def house(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("e2e")
    for name, path in FILES.items():
        (folder / name).symlink_to(shared_data / "formats" / path)
    first = [line for line in blocks("")[0].splitlines() if line.strip()]
    return House(folder, [run(line, folder) for line in first])


@pytest.fixture(scope="module")
def con(house: House) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(house.folder / "varhouse.duckdb"), read_only=True) as opened:
        yield opened


class Files(NamedTuple):
    """What a plain computation needs, read by other means than the loaders'."""

    donors: list[str]
    positions: np.ndarray
    dosages: np.ndarray
    covariates: np.ndarray
    expression: dict[tuple[str, str], dict[str, float]]
    genes: dict[str, tuple[str, int, int, str]]
    protein: set[tuple[int, str]]


@pytest.fixture(scope="module")
def files(house: House) -> Files:
    folder = house.folder
    genes = read_genes(folder / "genes.gff3.gz")
    donors, positions, dosages = read_vcf(folder / "genotypes.vcf.gz")
    with (folder / "covariates.tsv").open(encoding="utf-8") as lines:
        rows = {row["donor_id"]: row for row in csv.DictReader(lines, delimiter="\t")}
    covariates = np.array([[float(rows[name][key]) for key in COVARIATES] for name in donors])
    expression = read_cells(folder / "cells.h5ad", genes)
    protein = set()
    with gzip.open(folder / "consequences.vep.txt.gz", "rt") as lines:
        table = csv.DictReader(
            (line.removeprefix("#") for line in lines if not line.startswith("##")),
            delimiter="\t",
        )
        for row in table:
            if row["IMPACT"] in ("HIGH", "MODERATE"):
                protein.add((int(row["Uploaded_variation"].split("_")[1]), row["Gene"]))
    return Files(donors, positions, dosages, covariates, expression, genes, protein)


def read_genes(path: Path) -> dict[str, tuple[str, int, int, str]]:
    found = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            name = re.search(r"ID=gene:(\w+)", cells[-1])
            if len(cells) == 9 and name:
                symbol = re.search(r"Name=([^;]+)", cells[8])
                found[name[1]] = (symbol[1] if symbol else "", int(cells[3]), int(cells[4]),
                                  cells[6])  # fmt: skip
    return found


def read_vcf(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    positions, dosages, donors = [], [], []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if line.startswith("#CHROM"):
                donors = cells[9:]
            elif not line.startswith("#"):
                positions.append(int(cells[1]))
                calls = [cell.split(":")[0].replace("|", "/") for cell in cells[9:]]
                dosages.append([np.nan if "." in call else call.count("1") for call in calls])
    return donors, np.array(positions), np.array(dosages, dtype=float).T


def read_cells(
    path: Path, genes: dict[str, tuple[str, int, int, str]]
) -> dict[tuple[str, str], dict[str, float]]:
    """Return means of normalised counts by cell type and gene, then donor.

    A gene without an id is known by its symbol, where the gene model has that once.
    """
    symbols = Counter(symbol for symbol, *_ in genes.values())
    by_symbol = {gene[0]: name for name, gene in genes.items() if symbols[gene[0]] == 1}
    with h5py.File(path) as file:
        x = sparse.csr_array(
            (file["X/data"][:], file["X/indices"][:], file["X/indptr"][:]),
            shape=file["X"].attrs["shape"],
        ).astype(float)
        columns = {
            name: file[f"obs/{name}/categories"].asstr()[:][file[f"obs/{name}/codes"][:]]
            for name in ("donor_id", "cell_type")
        }
        codes = file["var/gene_id/codes"][:]
        ids = file["var/gene_id/categories"].asstr()[:]
        names = file["var/gene_name"].asstr()[:]
    totals = np.asarray(x.sum(axis=1)).reshape(-1)
    found: dict[tuple[str, str], dict[str, float]] = {}
    for column, (code, symbol) in enumerate(zip(codes, names, strict=True)):
        gene = ids[code].split(".")[0] if code >= 0 else by_symbol.get(symbol)
        if gene not in genes:
            continue
        counts = x[:, [column]].toarray()[:, 0]
        values = np.log1p(counts / totals * np.median(totals))
        for cell_type in np.unique(columns["cell_type"]):
            here = columns["cell_type"] == cell_type
            found.setdefault((cell_type, gene), {
                donor: values[here & (columns["donor_id"] == donor)].mean()
                for donor in np.unique(columns["donor_id"][here])
            })  # fmt: skip
    return found


class Chosen(NamedTuple):
    """Donors of a cell type, and minor alleles of the variants of a set that vary among them."""

    donors: list[int]
    dosages: np.ndarray
    maf: np.ndarray
    positions: np.ndarray


def chosen_variants(files: Files, cell_type: str, gene: str, mask: str) -> Chosen:
    _, start, end, _ = files.genes[gene]
    values = next(each for (name, _), each in files.expression.items() if name == cell_type)
    chosen = [i for i, name in enumerate(files.donors) if name in values]
    inside = (files.positions >= start - 100_000) & (files.positions <= end + 100_000)
    if mask == "protein":
        inside &= [(int(pos), gene) in files.protein for pos in files.positions]
    g, pos = files.dosages[np.ix_(chosen, np.flatnonzero(inside))], files.positions[inside]
    means = np.array([column[~np.isnan(column)].mean() for column in g.T])
    g = np.where(np.isnan(g), means, g)
    g = np.where(means > 1, 2 - g, g)
    maf = np.minimum(means, 2 - means) / 2
    kept = (maf > 0) & (maf < 0.05)
    return Chosen(chosen, g[:, kept], maf[kept], pos[kept])


def slow_tests(files: Files, cell_type: str, gene: str, mask: str) -> dict[str, Any]:
    """Test a gene by dense matrices."""
    _, start, end, strand = files.genes[gene]
    tss = start if strand == "+" else end
    chosen, g, maf, pos = chosen_variants(files, cell_type, gene, mask)
    values = files.expression[cell_type, gene]
    y = np.array([values[files.donors[i]] for i in chosen])
    y = stats.norm.ppf((stats.rankdata(y) - 0.5) / y.size)
    x = np.column_stack([np.ones(y.size), files.covariates[chosen]])
    beta = stats.beta.pdf(maf, 1, 25)
    found: dict[str, Any] = {"n_variants": maf.size, "n_donors": y.size}
    weights = {"uniform": np.ones(maf.size), "maf_beta": beta,
               "tss_distance_exp": np.exp(-1e-5 * np.abs(pos - tss))}  # fmt: skip
    for name, weight in weights.items():
        full = np.column_stack([x, g @ weight])
        fit, rss, _, _ = np.linalg.lstsq(full, y, rcond=None)
        df = y.size - full.shape[1]
        se = np.sqrt(rss[0] / df * np.linalg.inv(full.T @ full)[-1, -1])
        found[name] = 2 * stats.t.sf(abs(fit[-1] / se), df)
    m = np.eye(y.size) - x @ np.linalg.inv(x.T @ x) @ x.T
    weighted = g * beta
    q = np.sum((weighted.T @ m @ y) ** 2) / (y @ m @ y / (y.size - x.shape[1]))
    eigenvalues = np.linalg.eigvalsh(m @ weighted @ weighted.T @ m)
    found["skat"] = mixture_tail(q, eigenvalues[eigenvalues > 1e-9 * eigenvalues[-1]])
    return found


def mixture_tail(q: float, eigenvalues: np.ndarray) -> float:
    """Return P(sum of eigenvalue x chi-square > q) by Imhof's integral (1961, equation 3.2)."""
    scaled = eigenvalues / eigenvalues.max()

    def integrand(u: float) -> float:
        theta = 0.5 * np.sum(np.arctan(scaled * u)) - 0.5 * q / eigenvalues.max() * u
        return float(np.sin(theta) / (u * np.prod((1.0 + (scaled * u) ** 2) ** 0.25)))

    parts = [integrate.quad(integrand, low, low + 4.0, limit=200)[0] for low in range(0, 600, 4)]
    return 0.5 + sum(parts) / np.pi


@pytest.mark.shared
def test_tables_are_what_the_files_say(con: duckdb.DuckDBPyConnection, files: Files) -> None:
    burdens = con.execute(
        "select cell_type, gene_id, mask, weight, n_variants, n_donors, p_value from rvat_burden "
        "where status = 'ok'"
    ).fetchall()
    assert len(burdens) == 17 * 3
    twins = {
        key: slow_tests(files, *key)
        for key in sorted({(cell_type, gene, mask) for cell_type, gene, mask, *_ in burdens})
    }
    for cell_type, gene, mask, weight, n_variants, n_donors, p_value in burdens:
        twin = twins[cell_type, gene, mask]
        assert (n_variants, n_donors) == (twin["n_variants"], twin["n_donors"])
        assert p_value == pytest.approx(twin[weight], rel=1e-8, abs=0)
    for cell_type, gene, mask, p_value in con.execute(
        "select cell_type, gene_id, mask, p_value from rvat_skat "
        "where test = 'skat' and status = 'ok'"
    ).fetchall():
        twin = twins.pop((cell_type, gene, mask))
        assert p_value == pytest.approx(twin["skat"], rel=1e-4, abs=0)
    assert twins == {}


@pytest.mark.shared
def test_every_gene_without_a_result_has_no_variants(
    con: duckdb.DuckDBPyConnection, files: Files
) -> None:
    untested = con.execute(
        "select distinct cell_type, gene_id, mask, status, p_value, log10p from rvat_burden "
        "where status <> 'ok' and n_donors > 20"
    ).fetchall()
    assert len(untested) > 100
    for cell_type, gene, mask, status, p_value, log10p in untested:
        assert (status, p_value, log10p) == ("empty_window", None, None)
        assert chosen_variants(files, cell_type, gene, mask).maf.size == 0


@pytest.mark.shared
def test_acat_combines_the_burdens(con: duckdb.DuckDBPyConnection) -> None:
    for p_values, p_value in con.execute(
        "select list(rvat_burden.p_value), any_value(rvat_acat.p_value) "
        "from rvat_acat inner join rvat_burden using (cell_type, gene_id, mask) "
        "where rvat_acat.status = 'ok' group by cell_type, gene_id, mask"
    ).fetchall():
        combined = stats.cauchy.sf(np.mean(np.tan((0.5 - np.array(p_values)) * np.pi)))
        assert p_value == pytest.approx(combined, rel=1e-9, abs=0)


@pytest.mark.shared
def test_what_the_commands_print(house: House) -> None:
    top, explained = house.printed[5].splitlines(), house.printed[6].splitlines()
    assert top[0].split()[:3] == ["cell_type", "gene_id", "gene_name"]
    assert {line.split("ENSG")[0].strip() for line in top[1:]} == {
        "B cell", "Monocyte", "NK cell", "T cell",
    }  # fmt: skip
    statuses = [line.split()[2] for line in explained[1:]]
    assert statuses.count("tested") == 426
    assert not any("DONOR" in text for text in house.printed)


@pytest.mark.shared
def test_v2g_scores_as_weights(house: House, con: duckdb.DuckDBPyConnection) -> None:
    con.close()
    (line,) = [line for line in blocks("")[1].splitlines() if line.strip()]
    run(line, house.folder)
    with duckdb.connect(str(house.folder / "varhouse.duckdb"), read_only=True) as opened:
        wrong = opened.execute(
            "select count(*) from int_rvat__pairs as pairs "
            "inner join int_rvat__variants as variants "
            "using (design_idx, variant_idx) inner join int_rvat__genes as genes using (gene_idx) "
            "left join v2g_scores as v2g using (variant_id, gene_id) "
            "where pairs.weights[2] is distinct from pairs.weights[1] * v2g.overall_score"
        ).fetchall()
        assert wrong == [(0,)]
        weights = opened.execute("select distinct weight from rvat_burden order by all")
        assert weights.fetchall() == [("maf_beta",), ("maf_beta*v2g",)]


@pytest.mark.shared
def test_bad_weights_and_an_empty_window(shared_data: Path, tmp_path: Path) -> None:
    bad = shared_data / "formats" / "bad"
    run(f"varhouse load genes {bad / 'w03_empty_gene_window.gtf'} --build GRCh37", tmp_path)
    run(f"varhouse load annotations {bad / 'w01_weights_nan_negative.tsv'} --build GRCh37",
        tmp_path)  # fmt: skip
    ids = [line.split("\t")[0] for line in
           (bad / "w01_weights_nan_negative.tsv").read_text("utf-8").splitlines()[1:]]  # fmt: skip
    with duckdb.connect(str(tmp_path / "varhouse.duckdb")) as opened:
        # the weights are of ENSG1, which gets a body that all of their variants are in
        opened.execute(
            "insert into raw.genes by name select * replace ('ENSG1' as gene_id, 1 as start_pos) "
            "from raw.genes where gene_id = 'ENSG_HASVAR'"
        )
        for i, name in enumerate(sorted(ids, key=lambda name: int(name.split("_")[1]))):
            chrom, pos, ref, alt = name.split("_")
            opened.execute(
                "insert into raw.variants values (?, ?, ?, ?, ?, ?, null, 9, 9)",
                [i, name, chrom, int(pos), ref, alt],
            )
            opened.execute(
                "insert into raw.genotypes_rare values (?, ?, 1), (?, ?, 1)", [i, i, i, i + 9]
            )
        opened.execute(
            "insert into raw.donors select i, 'd' || i, true, null, 9 from range(40) as each(i)"
        )
        genes = [row[0] for row in opened.execute("select gene_id from raw.genes").fetchall()]
        means = opened.execute("select 'd' || i, hash(i) % 1000 from range(40) as each(i)")
        values = [("T", gene, *row) for row in means.fetchall() for gene in genes]
        add_expression(
            opened,
            groups=[("T", f"d{i}", 5) for i in range(40)],
            genes=genes,
            values=[(*value[:3], 1, value[3]) for value in values],
            zeros_left_out=False,
            load_id=9,
        )
    run("varhouse rvat --weights uniform,weight --vars '{skat_weight: weight}'", tmp_path)
    with duckdb.connect(str(tmp_path / "varhouse.duckdb"), read_only=True) as opened:
        found = opened.execute(
            "select gene_id, weight, n_variants, status, p_value is null from rvat_burden "
            "union all select gene_id, 'skat', n_variants, status, p_value is null from rvat_skat "
            "where gene_id <> 'ENSG_HASVAR' order by all"
        ).fetchall()
    assert [row for row in found if row[0] == "ENSG1"] == [
        ("ENSG1", "skat", 2, "negative_weight", True),
        ("ENSG1", "uniform", 5, "ok", False),
        ("ENSG1", "weight", 2, "ok", False),
    ]
    assert [row for row in found if row[0] == "ENSG_NOVAR"] == [
        ("ENSG_NOVAR", weight, 0, "empty_window", True) for weight in ("skat", "uniform", "weight")
    ]
