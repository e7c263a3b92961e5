"""All or nothing: a block of changes to a warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection, *, keep: bool = True) -> Iterator[None]:
    """Commit at the end of the block; undo it when it raises, and pass the error on.

    Parameters
    ----------
    con
        A writable connection that is not in a transaction.
    keep
        False: undo the block at its end, too.
    """
    con.begin()
    try:
        yield
    except BaseException:
        # Some errors have ended the transaction already, and then there is nothing to undo;
        # nothing is committed either way, and the first error is the news.
        with suppress(duckdb.Error):
            con.rollback()
        raise
    if keep:
        con.commit()
    else:
        con.rollback()
