"""The ``.sample`` file beside a BGEN file."""

from __future__ import annotations

from pathlib import Path

from varhouse.errors import DataError
from varhouse.ingest.donors.sex import sex_of


def read_sample_file(path: Path) -> tuple[list[str], list[int | None]]:
    """Return the ids and the sexes of a ``.sample`` file.

    The first line names the columns, the second gives their types. The id is in ``ID_2``, as PLINK
    has it, or in the first column where there is none; the sex in a column ``sex``.

    Raises
    ------
    DataError
        There are no two such lines, or a line has too few or too many columns.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8.") from error
    rows = [
        (number, fields)
        for number, line in enumerate(text.splitlines(), start=1)
        if (fields := line.split())
    ]
    names = [name.lower() for name in rows[0][1]] if rows else []
    types = rows[1][1] if len(rows) > 1 else []
    if len(types) != len(names) or types[:1] != ["0"]:
        raise DataError(
            f"{path}: not a .sample file; wanted are a line of column names (ID_1 ID_2 missing) "
            "and a line of types (0 0 0) above the samples."
        )
    id_column = names.index("id_2") if "id_2" in names else 0
    sex_column = names.index("sex") if "sex" in names else None
    ids, sexes = list[str](), list[int | None]()
    for number, fields in rows[2:]:
        if len(fields) != len(names):
            raise DataError(
                f"{path}, line {number}: {len(fields)} columns found, {len(names)} expected."
            )
        ids.append(fields[id_column])
        sexes.append(None if sex_column is None else sex_of(fields[sex_column]))
    return ids, sexes
