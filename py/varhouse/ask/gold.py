"""Gold standards: a file of variants and the genes known to be theirs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from varhouse.errors import DataError

_VARIANT_COLUMNS = ("variant_id", "variant", "rsid", "rs_id")
_GENE_COLUMNS = ("gene_id", "gene_name", "gene")
_MISSING = frozenset({"", "NA", "N/A", ".", "-", "NAN", "NULL", "NONE"})


class GoldRow(NamedTuple):
    """A variant and a gene of it as the file spells them; ``""`` where the file says nothing."""

    line: int
    variant: str
    gene: str


def read_gold(gold: Path) -> list[GoldRow]:
    """Read the rows of a gold standard.

    Parameters
    ----------
    gold
        TSV or CSV with a header that names a column of variants and one of genes.

    Returns
    -------
    list of GoldRow
        In the order of the file, with their line numbers; where several columns name variants
        or genes, the first that is filled in counts.

    Raises
    ------
    DataError
        The file cannot be read, is not UTF-8 text, or has no such columns or no rows.
    """
    try:
        text = gold.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{gold}: not a UTF-8 text file ({error.reason}).") from error
    except OSError as error:
        raise DataError(f"{gold}: cannot be read: {error.strerror}.") from error
    lines = text.splitlines()
    if not lines:
        raise DataError(f"{gold}: empty; wanted a header and rows of variants and genes.")
    reader = csv.DictReader(lines, delimiter="\t" if "\t" in lines[0] else ",")
    columns = {str(name).strip().lower(): str(name) for name in reader.fieldnames or []}
    variant_columns = [columns[name] for name in _VARIANT_COLUMNS if name in columns]
    gene_columns = [columns[name] for name in _GENE_COLUMNS if name in columns]
    if not variant_columns or not gene_columns:
        wanted = _VARIANT_COLUMNS if not variant_columns else _GENE_COLUMNS
        raise DataError(
            f"{gold}: none of the columns {', '.join(wanted)} in its header; "
            f"found {', '.join(columns)}."
        )
    rows = [
        GoldRow(reader.line_num, _first(record, variant_columns), _first(record, gene_columns))
        for record in reader
    ]
    if not rows:
        raise DataError(f"{gold}: a header but no rows.")
    return rows


def _first(record: Mapping[str, str | None], columns: Iterable[str]) -> str:
    """Return the first of the columns that is filled in."""
    texts = ((record[name] or "").strip() for name in columns)
    return next((text for text in texts if text.upper() not in _MISSING), "")
