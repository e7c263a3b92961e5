"""Seeded worlds of cells: what is meant, and the awkward file that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.property.cell_files import Column, Matrix, Stored, write_h5ad

SYMBOLS = ("IL7R", "ENSA", "HLA-A", "7SK", "C1orf1", "ÄBC", "MT-ND1")


@dataclass
class World:
    """Cells as they are meant to be understood; ``write`` makes the file.

    Attributes
    ----------
    values
        Shape (n_cells, n_genes): of the matrix that is to be taken.
    donors, types
        Of each cell, None where missing.
    genes
        Ensembl ids without version, else symbols, one a column; some occur twice.
    traits
        ``sex`` and ``age`` of each cell, None where unknown.
    known_genes
        Symbol and Ensembl id of genes that the warehouse knows already.
    """

    values: np.ndarray
    is_counts: bool
    donors: list[str | None]
    types: list[str | None]
    genes: list[str]
    traits: dict[str, list[float | None]]
    known_genes: list[tuple[str, str]]
    options: dict[str, Any]
    obs: dict[str, Column] = field(default_factory=dict)
    var: dict[str, Column] = field(default_factory=dict)
    var_names: list[str] = field(default_factory=list)
    obs_names: list[str] = field(default_factory=list)
    matrices: list[Matrix] = field(default_factory=list)
    generation: str = "new"
    seed: int = 0

    def write(self, path: Path) -> Path:
        return write_h5ad(
            path, self.matrices, obs_names=self.obs_names, obs=self.obs, genes=self.var_names,
            var=self.var, generation=self.generation, rng=np.random.default_rng(self.seed),
        )  # fmt: skip


def _chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


def _pick(rng: np.random.Generator, options: Sequence[Any], p: Any = None) -> Any:
    return options[int(rng.choice(len(options), p=p))]


def _counts(rng: np.random.Generator, n_cells: int, n_genes: int) -> tuple[np.ndarray, str]:
    """Return counts and the type of number that holds them."""
    liking = rng.gamma(0.4, 2.0, n_genes)
    counts = rng.poisson(liking * rng.gamma(2.0, 0.6, (n_cells, 1))).astype(np.int64)
    kind = _pick(rng, ["small", "wide", "huge"], [0.6, 0.3, 0.1])
    if kind == "wide":
        counts *= rng.integers(1, 120, counts.shape)
        counts = np.minimum(counts, 60_000)
    elif kind == "huge":
        counts *= rng.integers(1, 10**8, counts.shape)
    counts[rng.random(n_cells) < 0.06] = 0
    counts[:, rng.random(n_genes) < 0.1] = 0
    counts[0, 0] = 3
    dtypes = {
        "small": ["|u1", "<i2", "<u2", "<i4", "<i8", "<f4", "<f8", ">i4", ">f4", "<u8", "<f2"],
        "wide": ["<u2", "<i4", "<i8", "<f4", "<f8", ">f8", "<u4"],
        "huge": ["<i8", "<f8", "<u8"],
    }[kind]
    return counts, _pick(rng, dtypes)


def _stored(rng: np.random.Generator, dtype: str, generation: str) -> Stored:
    return Stored(
        layout=_pick(rng, ["csr", "csc", "dense"], [0.5, 0.25, 0.25]),
        dtype=dtype,
        index_dtype=_pick(rng, ["<i4", "<i8", "<u4", "<u8"], [0.6, 0.2, 0.1, 0.1]),
        is_old=generation == "0.6",
        zeros=_pick(rng, [0.0, 0.1]),
        is_shuffled=_chance(rng, 0.4),
        compression=_pick(rng, [None, "gzip", "lzf"]),
        chunk=_pick(rng, [None, 7, 100, 5000]),
    )


def _donor_names(rng: np.random.Generator, n: int) -> tuple[list[Any], list[str]]:
    """Return ids as the file spells them and as they are meant."""
    style = _pick(rng, ["plain", "numbers", "zeros", "odd"])
    if style == "numbers":
        numbers = [int(number) for number in rng.permutation(3 * n)[:n]]
        kind = _pick(rng, [int, float])
        return [kind(number) for number in numbers], [str(number) for number in numbers]
    if style == "zeros":
        texts = ["001", "1", "01", "1.0", "1e3", "0x1", *(f"{i:04}" for i in range(2, n))][:n]
        return [*texts], texts
    if style == "odd":
        texts = ["d1", "D1", "Zoë", "P 1", "a/b", "x;y", "0", "TRUE", "日本", "it's", '"q"', "p%"]
        return [*texts[:n]], texts[:n]
    texts = [f"HG{i:05}" for i in range(n)]
    # spaces around a name are no part of it
    return [f" {text}" if _chance(rng, 0.1) else text for text in texts], texts


def _names_of_cells(
    rng: np.random.Generator, spelled: list[Any], meant: list[str], n_cells: int, old: bool
) -> tuple[Column, list[str | None]]:
    """Give each cell one of the names, or none; encode them in one of the ways that can."""
    likely = rng.dirichlet(np.full(len(spelled), 2.0))
    of_cell = rng.choice(len(spelled), n_cells, p=likely).tolist()
    gone = rng.random(n_cells) < _pick(rng, [0.0, 0.08])
    if gone.all() or n_cells == 0:
        gone[:] = False
    values = [None if out else spelled[i] for i, out in zip(of_cell, gone, strict=True)]
    names = [None if out else meant[i] for i, out in zip(of_cell, gone, strict=True)]
    is_text = isinstance(spelled[0], str)
    encodings = ["categorical", "categorical"]
    if is_text:
        encodings += ["strings", *(["bytes"] if all(s.isascii() for s in spelled) else [])]
    else:
        encodings += ["numbers"]
    if not old:
        encodings += ["masked"]
    encoding = _pick(rng, encodings)
    if is_text and (encoding in ("strings", "bytes") or _chance(rng, 0.3)):
        values = [_pick(rng, ["", "NA", "nan"]) if v is None else v for v in values]
    extra = ("unused", "") if encoding == "categorical" and is_text else ()
    return Column(values, encoding, extra if _chance(rng, 0.5) else ()), names


def _traits(
    rng: np.random.Generator, donors: list[str | None], old: bool
) -> tuple[dict[str, Column], dict[str, list[float | None]]]:
    """Return columns of sex, age and other things, and what is to be understood."""
    columns: dict[str, Column] = {}
    meant: dict[str, list[float | None]] = {}
    people = sorted({donor for donor in donors if donor is not None})
    if _chance(rng, 0.6):
        words = _pick(rng, [("male", "female"), ("M", "F"), ("1", "2"), (1, 2), ("Male", "FEMALE")])
        sex = {person: int(rng.integers(2)) for person in people}
        spelled = [None if d is None else words[sex[d]] for d in donors]
        understood: list[float | None] = [None if d is None else float(sex[d] + 1) for d in donors]
        if _chance(rng, 0.2):
            other = int(rng.integers(len(donors)))
            if donors[other] is not None:
                spelled[other] = words[1 - sex[donors[other]]]
                understood[other] = float(2 - sex[donors[other]])
        encoding = "numbers" if words == (1, 2) else "categorical"
        columns[_pick(rng, ["sex", "Sex", "gender"])] = Column(spelled, encoding)
        meant["sex"] = understood
    if _chance(rng, 0.6):
        age = {person: _pick(rng, [19, 40, 61.5, 73]) for person in people}
        known = {person for person in people if _chance(rng, 0.8)}
        ages = [age[d] if d in known and _chance(rng, 0.9) else None for d in donors]
        if any(value is not None for value in ages):
            as_text = _chance(rng, 0.3)
            texts = [None if a is None else str(a) if as_text else a for a in ages]
            columns["age"] = Column(texts, "categorical" if as_text else "numbers")
            meant["age"] = [None if a is None else float(a) for a in ages]
    columns["n_counts"] = Column([*map(float, range(len(donors)))], "numbers")
    columns["batch"] = Column([f"b{i % 3}" for i in range(len(donors))], "strings")
    columns["is_doublet"] = Column([i % 2 == 0 for i in range(len(donors))], "numbers")
    if not old:
        columns["score"] = Column([None if i % 5 else i for i in range(len(donors))], "masked")
    return columns, meant


def _gene_names(
    rng: np.random.Generator, n: int, generation: str
) -> tuple[list[str], list[str], dict[str, Column], list[tuple[str, str]]]:
    """Return names as the index has them, as they are meant, the table, and genes known before."""
    numbers = rng.permutation(10 * n)[:n]
    meant = [f"ENSG{number:011d}" for number in numbers]
    index = list(meant)
    style = _pick(rng, ["ids", "versions", "column", "symbols", "mixed"])
    known: list[tuple[str, str]] = []
    if style == "versions":
        index = [f"{name}.{rng.integers(1, 20)}" for name in meant]
        meant[1], index[1] = f"{meant[0]}_PAR_Y", f"{meant[0]}.7_PAR_Y"
    if style in ("ids", "versions") and _chance(rng, 0.5):
        # an id that occurs again, with another version
        meant[n - 1], index[n - 1] = meant[2], f"{meant[2]}.99"
    if style == "mixed":
        for at, name in zip((3, 5, 8), ("ERCC-00002", "TCRb", "ENSA"), strict=True):
            meant[at] = index[at] = name
    if style == "symbols":
        index = [*SYMBOLS, *(f"GENE{i}" for i in range(n - len(SYMBOLS)))]
        if _chance(rng, 0.5):
            index[n - 1] = index[9]
        meant = list(index)
        known = [
            (name, f"ENSG{i:011d}") for i, name in enumerate(SYMBOLS[:5], 1) if _chance(rng, 0.5)
        ]
        renamed = dict(known)
        meant = [renamed.get(name, name) for name in meant]
    columns = {
        "n_cells_by_counts": Column([*map(float, range(n))], "numbers"),
        "feature_types": Column(["Gene Expression"] * n, "categorical"),
        "gene_name": Column([f"G{i % 7}" for i in range(n)], "strings"),
    }
    if style == "column":
        written = (
            [f"{name}.{rng.integers(1, 20)}" for name in meant] if _chance(rng, 0.5) else meant
        )
        columns[_pick(rng, ["gene_ids", "ensembl_id", "feature_id"])] = Column(
            list(written),
            "strings" if generation == "0.6" else _pick(rng, ["strings", "categorical"]),
        )
        index = [f"SYM{i % (n - 3)}" for i in range(n)]
    return index, meant, columns, known


def _transformed(values: np.ndarray) -> np.ndarray:
    """Return expression values that are no counts."""
    logs = np.log1p(values / 3.0)
    logs[0, 0] = 0.25
    return logs


def make_world(seed: int, *, n_cells: tuple[int, int] = (20, 120), n_genes: int = 40) -> World:
    """Draw a world and the way its file is written."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(*n_cells))
    m = int(rng.integers(20, n_genes + 1))
    generation = _pick(rng, ["new", "0.7", "0.6"], [0.6, 0.2, 0.2])
    old = generation != "new"
    counts, dtype = _counts(rng, n, m)
    how = _stored(rng, dtype, generation)
    spelled, meant = _donor_names(rng, int(rng.integers(3, 13)))
    donor_column, donors = _names_of_cells(rng, spelled, meant, n, old)
    kinds = ["T cell", "B", "NK/γδ", "CD14+ Mono"][: int(rng.integers(1, 5))]
    type_spelled, type_meant = ([*range(len(kinds))], [*map(str, range(len(kinds)))])
    if _chance(rng, 0.8):
        type_spelled, type_meant = list(kinds), kinds
    type_column, types = _names_of_cells(rng, type_spelled, type_meant, n, old)
    if not any(d is not None and t is not None for d, t in zip(donors, types, strict=True)):
        return make_world(seed + 10**6, n_cells=n_cells, n_genes=n_genes)
    obs, traits = _traits(rng, donors, old)
    index, genes, var, known = _gene_names(rng, m, generation)
    options: dict[str, Any] = {}
    obs_names = [f"cell{i % (n - 2)}" for i in range(n)]
    donor_name, type_name = "donor_id", "cell_type"
    if _chance(rng, 0.3):
        donor_name, type_name = "person number", "louvain"
        options |= {"donor_column": donor_name, "cell_type_column": type_name}
        if _chance(rng, 0.5):
            obs["donor_id"] = Column(["pool"] * n, "strings")
    elif _chance(rng, 0.3):
        donor_name, type_name = "individual", "cell_label"
    if "cell_type_column" not in options and _chance(rng, 0.15):
        options["feature"] = "everything"
        types = ["everything"] * n
    obs |= {donor_name: donor_column, type_name: type_column}
    world = World(
        counts, True, donors, types, genes, traits, known, options, obs, var, index, obs_names,
        [], generation, seed,
    )  # fmt: skip
    _place(rng, world, how)
    if world.is_counts and _chance(rng, 0.25):
        options["normalise_twice"] = True
    return world


def _place(rng: np.random.Generator, world: World, how: Stored) -> None:
    """Put the values into one of the matrices and others into the rest."""
    floats = Stored(layout=how.layout, dtype="<f8", is_old=how.is_old)
    scaled = _transformed(world.values) - 0.5
    dense = Stored(layout="dense", dtype="<f4")
    place = _pick(rng, ["X", "raw", "counts", "spliced"])
    named = {"spliced": "spliced"}.get(place) or (place if _chance(rng, 0.2) else None)
    if named is not None:
        world.options["layer"] = named
        if _chance(rng, 0.3):
            world.values, world.is_counts, how = _transformed(world.values), False, floats
    taken = Matrix(place, world.values, how)
    others: list[Matrix] = []
    if place == "raw":
        # raw has its own genes: X has fewer
        n_left = max(3, len(world.genes) - int(rng.integers(0, 8)))
        taken = Matrix("raw", world.values, how, world.var_names, world.var)
        world.var = {
            name: Column(c.values[:n_left], c.encoding, c.extra) for name, c in world.var.items()
        }
        world.var_names = world.var_names[:n_left]
        others.append(Matrix("X", scaled[:, :n_left], dense))
        if _chance(rng, 0.5):
            others.append(Matrix("counts", world.values[:, :n_left].round() + 1, floats))
    elif place == "X":
        if _chance(rng, 0.3) or named is not None:
            others.append(Matrix("counts", scaled, dense))
        if _chance(rng, 0.3):
            logs = _transformed(world.values)
            others.append(Matrix("raw", logs, floats, world.var_names, world.var))
    else:
        if _chance(rng, 0.8):
            others.append(Matrix("X", scaled if _chance(rng, 0.5) else world.values + 1, dense))
        if place == "counts" and _chance(rng, 0.3):
            logs = _transformed(world.values)
            others.append(Matrix("raw", logs, floats, world.var_names, world.var))
    world.matrices = [taken, *others]
