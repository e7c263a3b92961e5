"""Seeded tables about donors: what is meant, and the file that says it in one of many ways.

Meanings are those of docs/formats/donors.md.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MISSING = ("", "NA", "N/A", ".", "#NA", "NULL", "na", "None", "-", r"\N")
IDS = (
    "001", "1", "01", "1.0", "1e3", "HG00096", "hg00096", "Zoë", "P 1", "a/b", "0", "TRUE", "日本",
    "it's", "D-1", "D_1", "x;y", "0001", "1_1", "R2D2",
)  # fmt: skip


@dataclass
class Table:
    """A table of text; None is missing.

    Attributes
    ----------
    values
        What is to be stored: the key of a row to its values.
    rejected, notes
        What is to be counted.
    """

    header: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    values: dict[Any, Any] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    n_read: int = 0

    def write(self, rng: random.Random, folder: Path, suffixes: tuple[str, ...]) -> Path:
        """Write the table with tabs, commas or spaces, as parquet, compressed or not."""
        suffix = rng.choice(suffixes)
        path = folder / f"table{suffix}"
        if suffix == ".parquet":
            columns = list(zip(*self.rows, strict=True))
            arrays = [pa.array(map(unquoted, column), pa.string()) for column in columns]
            pq.write_table(pa.Table.from_arrays(arrays, names=self.header), path)
            return path
        out = io.StringIO()
        writer = csv.writer(
            out,
            delimiter="," if ".csv" in suffix else "\t",
            lineterminator=rng.choice(["\n", "\r\n"]),
            quoting=csv.QUOTE_ALL if rng.random() < 0.2 else csv.QUOTE_MINIMAL,
        )
        writer.writerow(self.header)
        for row in self.rows:
            writer.writerow([rng.choice(MISSING) if cell is None else cell for cell in row])
        text = out.getvalue()
        if rng.random() < 0.2:
            text = text.rstrip("\r\n")
        data = text.encode("utf-8-sig" if rng.random() < 0.15 else "utf-8")
        path.write_bytes(gzip.compress(data) if suffix.endswith(".gz") else data)
        return path


def unquoted(cell: str | None) -> str | None:
    return None if cell is None else cell.strip()


def spelled_number(rng: random.Random) -> tuple[str, float]:
    value = rng.choice(
        [float(rng.randint(-50, 50)), rng.uniform(-3, 3), rng.random() * 1e-9, 0.0, 12345678.0]
    )
    ways = [repr(value), f"{value:.17e}", f"{value:.17E}", f" {value!r}"]
    if value == int(value):
        ways += [str(int(value)), f"{int(value)}.", f"{int(value)}.000"]
    if value > 0:
        ways.append(f"+{value!r}")
    return rng.choice(ways), value


SEXES = {
    "1/2": ("sex", {1: ["1", "1.0"], 2: ["2"], None: ["0", "-9", "NA", ""]}),
    "letters": ("SEX", {1: ["M", "m"], 2: ["F", "f"], None: ["U", "NA", ""]}),
    "words": ("Gender", {1: ["male", "MALE"], 2: ["Female"], None: ["unknown", "N/A"]}),
    "is_male": ("is_male", {1: ["1", "TRUE"], 2: ["0", "false"], None: ["NA", ""]}),
    "is_female": ("is_female", {1: ["0", "False"], 2: ["1", "true"], None: [""]}),
}


def sex_column(rng: random.Random, n: int) -> tuple[str, list[str | None], list[int | None]]:
    """Return a header, cells and what they mean; at least one of either sex."""
    name, words = SEXES[rng.choice(list(SEXES))]
    meant: list[int | None] = [1, 2] + [rng.choice([1, 2, 2, None]) for _ in range(n - 2)]
    rng.shuffle(meant)
    cells = [rng.choice(words[sex]) for sex in meant]
    return name, [cell or None for cell in cells], meant


def covariates_by_donor(seed: int) -> Table:
    """Draw covariates with a donor a line; some lines have no donor."""
    rng = random.Random(seed)
    table = Table()
    donors = rng.sample(IDS, rng.randint(2, 12))
    key = rng.choice(["donor_id", "IID", "sample_id", "individual", "#IID", "Donor", "eid"])
    columns: dict[str, list[str | None]] = {key: [*donors]}
    if rng.random() < 0.7:
        name, cells, sexes = sex_column(rng, len(donors))
        columns[name] = cells
        table.values |= {(d, "sex"): s for d, s in zip(donors, sexes, strict=True)}
    for name in rng.sample(["age", "PC1", "PC2", "bmi", "pool no.", "Alter (Jahre)"], 3):
        columns[name] = []
        for donor in donors:
            text: str | None
            value: float | None
            text, value = spelled_number(rng)
            if rng.random() < 0.1:
                text, value = None, None
            columns[name].append(text)
            table.values[donor, name] = value
        if all(cell is None for cell in columns[name]):
            columns[name][0], table.values[donors[0], name] = "4", 4.0
    if rng.random() < 0.3:
        columns["FID"] = ["family"] * len(donors)
    table.header = rng.sample(list(columns), len(columns))
    if key.startswith("#"):
        table.header.remove(key)
        table.header.insert(0, key)
    table.rows = [
        [columns[name][i] for name in table.header]
        for i in rng.sample(range(len(donors)), len(donors))
    ]
    if rng.random() < 0.3:
        nobody: list[str | None] = [None if name == key else "1" for name in table.header]
        table.rows.insert(rng.randrange(len(table.rows) + 1), nobody)
        table.rejected["donor_id_missing"] += 1
    table.n_read = len(table.rows)
    return table


def covariates_by_row(seed: int) -> Table:
    """Draw covariates with a donor a column, as tensorQTL has them."""
    rng = random.Random(seed)
    table = Table()
    donors = rng.sample(IDS, rng.randint(2, 12))
    table.header = ["id", *donors]
    if rng.random() < 0.6:
        name, cells, sexes = sex_column(rng, len(donors))
        table.rows.append([name, *cells])
        table.values |= {(d, "sex"): s for d, s in zip(donors, sexes, strict=True)}
    for name in rng.sample(["age", "PC1", "PC2", "InferredCov1", "platform x"], 2):
        row: list[str | None] = [name]
        for donor in donors:
            text, value = spelled_number(rng)
            row.append(text)
            table.values[donor, name] = value
        table.rows.append(row)
    rng.shuffle(table.rows)
    table.n_read = len(donors)
    return table


def _genes(rng: random.Random, n: int) -> list[tuple[str, str]]:
    """Return names as they are spelled and as they are meant."""
    found = []
    for number in rng.sample(range(1, 500), n):
        gene = f"ENSG{number:011d}"
        found.append((gene + rng.choice(["", f".{rng.randint(1, 30)}"]), gene))
    if rng.random() < 0.3:
        found[0] = ("ENSA", "ENSA")
    if rng.random() < 0.3:
        found[1] = (f"{found[2][1]}.4_PAR_Y", f"{found[2][1]}_PAR_Y")
    return found


def _cell(rng: random.Random, table: Table, share_bad: float) -> tuple[str | None, float | None]:
    """Return a value as text and as meant, None and counted where it is none."""
    chance = rng.random()
    if chance < share_bad:
        table.rejected["value_missing"] += 1
        return None, None
    if chance < 1.5 * share_bad:
        table.rejected["value_not_finite"] += 1
        return rng.choice(["NaN", "nan", "inf", "-inf", "Infinity"]), None
    if chance < 1.8 * share_bad:
        table.rejected["value_not_a_number"] += 1
        return "high", None
    return spelled_number(rng)


def wide_pseudobulk(seed: int) -> tuple[Table, str]:
    """Draw means with a donor a column; return the cell type that the load has to name, too."""
    rng = random.Random(seed)
    table = Table()
    donors = rng.sample(IDS, rng.randint(2, 8))
    genes = _genes(rng, rng.randint(3, 15))
    is_bed = rng.random() < 0.5
    table.header = (
        ["#chr", "start", "end", rng.choice(["phenotype_id", "gene_id", "TargetID"])]
        if is_bed
        else [rng.choice(["gene_id", "", "phenotype_id"])]
    ) + donors
    share_bad = rng.choice([0.0, 0.06])
    for place, (spelled, gene) in enumerate(genes):
        front: list[str | None] = ["22", str(100 * place), str(100 * place + 1)] if is_bed else []
        row = [*front, spelled]
        for donor in donors:
            text, value = _cell(rng, table, share_bad)
            row.append(text)
            table.n_read += 1
            if value is not None:
                table.values["T cell", gene, donor] = (None, value, None)
        table.rows.append(row)
    return table, ".bed" if is_bed else ".tsv"


def long_pseudobulk(seed: int) -> tuple[Table, bool]:
    """Draw a value a line; return whether the lines name the cell type, too."""
    rng = random.Random(seed)
    table = Table()
    donors = rng.sample(IDS, rng.randint(2, 6))
    genes = _genes(rng, rng.randint(3, 8))
    has_type = rng.random() < 0.7
    types = ["T cell", "NK/γδ", "7"][: rng.randint(1, 3)] if has_type else ["T cell"]
    measures = rng.choice([["mean"], ["sum"], ["mean", "sum"]])
    names = ["gene_id", "donor_id", *measures, *(["cell_type"] if has_type else [])]
    if rng.random() < 0.6:
        names.append("n_cells")
    names += ["note"] if rng.random() < 0.3 else []
    table.header = rng.sample(names, len(names))
    n_cells: dict[tuple[str, str], list[int]] = {}
    for kind in types:
        for donor in donors:
            for spelled, gene in genes:
                if rng.random() < 0.1:
                    continue
                cells = {"gene_id": spelled, "donor_id": donor, "cell_type": kind, "note": "x"}
                line: dict[str, str | None] = {**cells}
                value: dict[str, float | None] = {"sum": None, "mean": None}
                for measure in measures:
                    line[measure], value[measure] = spelled_number(rng)
                    if rng.random() < 0.05:
                        line[measure] = value[measure] = None
                table.n_read += 1
                n = rng.randint(1, 90)
                line["n_cells"] = rng.choice([str(n), f"{n}.0"])
                if rng.random() < 0.1:
                    line["n_cells"] = None
                table.rows.append([line[name] for name in table.header])
                if value["sum"] is None and value["mean"] is None:
                    table.rejected["value_missing"] += 1
                    continue
                table.values[kind, gene, donor] = (value["sum"], value["mean"])
                if (value["sum"] or 0) < 0:
                    table.notes["sum_negative"] += 1
                if "n_cells" in names and line["n_cells"] is not None:
                    n_cells.setdefault((kind, donor), []).append(n)
    # a cell type and donor have one number of cells, the largest
    table.values = {
        key: (*value, max(n_cells.get((key[0], key[2]), [0])) or None)
        for key, value in table.values.items()
    }
    rng.shuffle(table.rows)
    return table, has_type
