"""HDF5 files as they are on disk: opened, walked and read with errors of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from varhouse.errors import DataError, UsageError

Node = Any
"""A group or a dataset; h5py ships no types."""


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise UsageError(
            "h5ad files are read with h5py, which is not installed: pip install 'varhouse[sc]'."
        ) from error
    module: ModuleType = h5py
    return module


@contextlib.contextmanager
def open_h5(path: Path) -> Iterator[Node]:
    """Open a file for reading; what HDF5 says of damage becomes an error of ours.

    Raises
    ------
    UsageError
        h5py is not installed.
    DataError
        The file is cut short or damaged, or compressed in a way that h5py cannot undo.
    """
    h5py = _h5py()
    try:
        # a larger cache than the default: blocks begin and end inside compressed chunks
        with h5py.File(path, "r", rdcc_nbytes=16 << 20) as file:
            yield file
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError) as error:
        if not _raised_by_h5py(error):
            raise
        told = str(error)
        if "filter" in told:
            found = "compressed with a filter that h5py lacks; write it again with gzip"
        elif "truncated" in told:
            found = "the HDF5 file is cut short; was the download interrupted?"
        else:
            found = "the HDF5 file is damaged"
        raise DataError(f"{path}: {found}.") from error


def _raised_by_h5py(error: BaseException) -> bool:
    """Whether the innermost frame is h5py's: it has no error class of its own."""
    trace = error.__traceback__
    name = ""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return name.partition(".")[0] == "h5py"


def child(parent: Node, name: str) -> Node | None:
    """Return a member of a group, or None; a link to another file and a null count as absent."""
    h5py = _h5py()
    if not is_group(parent) or name not in parent:
        return None
    if isinstance(parent.get(name, getlink=True), h5py.ExternalLink):
        return None
    node = parent[name]
    is_null = isinstance(node, h5py.Dataset) and node.shape is None
    return node if isinstance(node, (h5py.Group, h5py.Dataset)) and not is_null else None


def is_list(node: Node | None, *kinds: str) -> TypeGuard[Any]:
    """Whether a node is a dataset of one dimension, of one of numpy's kinds of type if given."""
    return (
        node is not None
        and not is_group(node)
        and len(node.shape or ()) == 1
        and (not kinds or node.dtype.kind in kinds)
    )


def is_group(node: Node) -> bool:
    """Whether a node has members, as opposed to values."""
    return isinstance(node, _h5py().Group)


def is_compound(node: Node) -> bool:
    """Whether a node is a dataset whose values have named fields."""
    return not is_group(node) and node.dtype.names is not None


def attribute(node: Node, *names: str) -> Any:
    """Return the first attribute that is there, text as ``str``; None when none is."""
    for name in names:
        if name in node.attrs:
            value = node.attrs[name]
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return None


def texts(values: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Return an array of ``str`` from strings or bytes of any length."""
    decoded = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values.tolist()
    ]
    return np.array(decoded, dtype=object)
