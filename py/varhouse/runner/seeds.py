"""Read a seed: a small CSV file of the project, with the column types that its config gives."""

from __future__ import annotations

import csv

from varhouse.errors import ProjectError
from varhouse.runner.nodes import Node, suggest
from varhouse.runner.project import Project
from varhouse.sql_text import text_literal


def seed_query(project: Project, node: Node) -> str:
    """Return the query that reads a seed's CSV file.

    Columns with a type in ``column_types`` are read as that; the database finds the others'.

    Raises
    ------
    ProjectError
        No header, a column given twice, or a type for a column that is not there.
    """
    path = project.directory / node.location.path
    delimiter = str(node.config.get("delimiter", ","))
    with path.open(encoding="utf-8-sig", newline="") as handle:
        header = next(csv.reader(handle, delimiter=delimiter), None)
    if not header or not all(header):
        raise ProjectError(f"{node.location.path}:1: a seed begins with the names of its columns.")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise ProjectError(f"{node.location.path}:1: the column '{repeated[0]}' is there twice.")
    types = {str(name): str(kind) for name, kind in node.config.get("column_types", {}).items()}
    for name in types:
        if name not in header:
            raise ProjectError(
                f"{node.location.path}:1: column_types names '{name}', the file has "
                f"{', '.join(header)}.{suggest(name, header)}"
            )
    options = [
        "header = true", f"delim = {text_literal(delimiter)}", "quote = '\"'", "escape = '\"'",
        "strict_mode = true", "null_padding = false",
    ]  # fmt: skip
    if len(types) == len(header):
        # Everything is said: nothing to guess, so odd values cannot change a type.
        options += ["auto_detect = false", f"columns = {_struct({n: types[n] for n in header})}"]
    else:
        options += ["sample_size = -1", *([f"types = {_struct(types)}"] if types else [])]
    return f"select * from read_csv({text_literal(str(path))}, {', '.join(options)})"


def _struct(types: dict[str, str]) -> str:
    return (
        "{"
        + ", ".join(f"{text_literal(name)}: {text_literal(kind)}" for name, kind in types.items())
        + "}"
    )
