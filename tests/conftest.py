"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from varhouse.blas import hold_to_what_was_asked

# a plugin may have imported numpy; small matrices on two threads cost five times the CPU
hold_to_what_was_asked()

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what commands keep for the next one away from the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VARHOUSE_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of reference data beside the project, or skip the test."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("reference data is not beside the project")
    return folder


@pytest.fixture
def closed_figures() -> Iterator[None]:
    """Draw without a screen; close what was drawn."""
    import matplotlib

    matplotlib.use("Agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")
