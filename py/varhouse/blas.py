"""One BLAS thread: small matrices on several cost 5 to 10 times the CPU; DuckDB parallelises."""

from __future__ import annotations

import functools
import os

_VARIABLES = {
    "openblas": "OPENBLAS_NUM_THREADS",
    "openmp": "OMP_NUM_THREADS",
    "mkl": "MKL_NUM_THREADS",
}


def ask_for_one_thread() -> None:
    """Have BLAS libraries that are loaded from now on use one thread, unless the user said else."""
    for variable in _VARIABLES.values():
        os.environ.setdefault(variable, "1")


@functools.cache
def hold_to_what_was_asked() -> None:
    """Set the threads of BLAS libraries loaded before `ask_for_one_thread`, which read no variable.

    Once a process, for good: a limit for the length of a call would be undone by whichever of
    several threads ends first.
    """
    from threadpoolctl import ThreadpoolController

    loaded = ThreadpoolController()
    for library in ("openblas", "mkl"):
        asked = os.environ.get(_VARIABLES[library], "")
        if asked.isdecimal():
            loaded.select(internal_api=library).limit(limits=int(asked))
