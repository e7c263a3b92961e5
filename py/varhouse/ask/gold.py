"""Gold standards: a file of variants and the genes known to be theirs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from varhouse.errors import DataError

# the last of each as the gold standards of Open Targets Genetics call it in their TSV
_VARIANT_COLUMNS = ("variant_id", "variant", "rsid", "rs_id", "sentinel_variant.rsid")
_GENE_COLUMNS = ("gene_id", "gene_name", "gene", "gold_standard_info.gene_id")
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
        The file cannot be read, is not UTF-8 text, has no such columns or no rows, or a row has
        more fields than the header.
    """
    try:
        text = gold.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{gold}: not a UTF-8 text file ({error.reason}); packed?") from error
    except OSError as error:
        raise DataError(f"{gold}: cannot be read: {error.strerror}.") from error
    lines = text.splitlines()
    if not lines:
        raise DataError(f"{gold}: empty; wanted a header and rows of variants and genes.")
    reader = csv.DictReader(lines, delimiter="\t" if "\t" in lines[0] else ",")
    header = reader.fieldnames or []
    names = [name.strip().lower() for name in header]
    columns = dict(zip(names, header, strict=True))
    variant_columns = [columns[name] for name in _VARIANT_COLUMNS if name in columns]
    gene_columns = [columns[name] for name in _GENE_COLUMNS if name in columns]
    if not variant_columns or not gene_columns:
        wanted = _VARIANT_COLUMNS if not variant_columns else _GENE_COLUMNS
        raise DataError(
            f"{gold}: none of the columns {', '.join(wanted)} in its header, of a table that tabs "
            f"or commas separate; found {', '.join(name[:40] for name in names[:40])}."
        )
    for name in (*_VARIANT_COLUMNS, *_GENE_COLUMNS):
        if names.count(name) > 1:
            raise DataError(f"{gold}: column {name} occurs twice in the header.")
    rows = []
    for record in reader:
        if None in record:
            raise DataError(
                f"{gold}, line {reader.line_num}: more fields than the {len(names)} of the header; "
                "quote values that hold the delimiter."
            )
        rows.append(
            GoldRow(reader.line_num, _first(record, variant_columns), _first(record, gene_columns))
        )
    if not rows:
        raise DataError(f"{gold}: a header but no rows.")
    return rows


def _first(record: Mapping[str, str | None], columns: Iterable[str]) -> str:
    """Return the first of the columns that is filled in."""
    texts = ((record[name] or "").strip() for name in columns)
    return next((text for text in texts if text.upper() not in _MISSING), "")
