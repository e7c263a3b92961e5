"""The parts of an h5ad file, as anndata lays them out [1]_; ``parent`` is a file or group of h5py.

References
----------
.. [1] https://anndata.readthedocs.io/en/stable/fileformat-prose.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def new_group(parent: Any, name: str, kind: str, version: str, **attributes: Any) -> Any:
    """Create a group that says what it encodes."""
    group = parent.create_group(name)
    group.attrs.update({"encoding-type": kind, "encoding-version": version, **attributes})
    return group


def new_table(parent: Any, name: str, index: Sequence[str], columns: Sequence[str]) -> Any:
    """Create the group of a data frame and its index; the columns are written into it."""
    group = new_group(parent, name, "dataframe", "0.2.0", _index="_index")
    group.attrs["column-order"] = list(columns)
    write_texts(group, "_index", index)
    return group


def write_array(parent: Any, name: str, values: Any, kind: str = "array", **how: Any) -> None:
    """Write a data set; ``how`` is what h5py is told of it."""
    dataset = parent.create_dataset(name, data=values, **how)
    dataset.attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})


def write_texts(parent: Any, name: str, texts: Sequence[str]) -> None:
    """Write an array of texts."""
    import h5py

    write_array(parent, name, list(texts), "string-array", dtype=h5py.string_dtype())


def write_categories(parent: Any, name: str, codes: Any, categories: Sequence[str]) -> None:
    """Write a column of categories: their numbers, from 0 on, and their names."""
    group = new_group(parent, name, "categorical", "0.2.0", ordered=False)
    write_array(group, "codes", codes)
    write_texts(group, "categories", categories)
