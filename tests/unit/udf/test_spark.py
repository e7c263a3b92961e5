"""The same SQL text gives the same numbers in DuckDB and in Spark.

Spark is Sail, which speaks its protocol without Java, and in the slow tests Spark itself.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import varhouse
from varhouse.udf import FUNCTIONS

pytestmark = pytest.mark.filterwarnings(
    "ignore:PySpark does not yet fully support pandas:FutureWarning"
)

REPO = Path(__file__).resolve().parents[3]
SETS = """
select
    set_id,
    burden_test(variants, donors, dosages, weights, tested, phenotype, covariates) as burden,
    skat(variants, donors, dosages, weights, tested, phenotype, covariates) as skat,
    skat_o(variants, donors, dosages, weights, tested, phenotype, covariates) as skat_o
from sets
order by set_id
"""
SCALARS = """
select
    number,
    beta_weight(maf, 1, 25) as weight,
    tss_distance_weight(distance_bp) as near,
    chi2_mixture_sf(q, eigenvalues) as tail,
    inverse_normal(p_values) as ranks,
    bh_q_values(p_values) as q_values,
    acat(p_values) as combined,
    acat(p_values, eigenvalues) as weighted,
    hwe_test(n_hom_ref, n_het, n_hom_alt).mid_p_value as hwe
from numbers
order by number
"""


def numbers() -> pa.Table:
    """Return rows with a NULL in each column and lists of one length."""
    rng = np.random.default_rng(5)
    rows: list[dict[str, Any]] = []
    for number in range(12):
        rows.append(
            {
                "number": number,
                "maf": rng.uniform(0.001, 0.5),
                "distance_bp": rng.uniform(-1e5, 1e5),
                "q": rng.uniform(0, 40),
                "eigenvalues": rng.uniform(0, 3, 4).tolist(),
                "p_values": rng.uniform(0, 1, 4).tolist(),
                "n_hom_ref": int(rng.integers(50, 90)),
                "n_het": int(rng.integers(0, 40)),
                "n_hom_alt": int(rng.integers(0, 9)),
            }
        )
    for place, name in enumerate(list(rows[0])[1:]):
        rows[place][name] = None
    return pa.Table.from_pylist(rows)


def sets() -> pa.Table:
    """Return variant sets of 60 donors in sparse form."""
    rng = np.random.default_rng(7)
    donors = list(range(60))
    phenotype = rng.standard_normal(60)
    covariates = rng.standard_normal((60, 2)).tolist()
    rows = []
    for number in range(4):
        variants, carriers, dosages, weights = [], [], [], []
        for variant in range(5):
            for donor in rng.choice(60, size=3, replace=False).tolist():
                variants.append(variant)
                carriers.append(donor)
                dosages.append(float(rng.integers(1, 3)))
                weights.append(1.0 + variant)
        rows.append(
            {
                "set_id": number, "variants": variants, "donors": carriers, "dosages": dosages,
                "weights": weights, "tested": donors, "phenotype": phenotype.tolist(),
                "covariates": covariates,
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


def is_here(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@pytest.fixture(scope="module", params=["sail", pytest.param("java", marks=pytest.mark.slow)])
def spark(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a session of Sail, or of Spark itself."""
    sql = pytest.importorskip("pyspark.sql")
    # a whole PySpark brings py4j; its client alone does not, and is what Sail is tested with
    is_whole = is_here("py4j")
    if request.param == "java":
        if not is_whole or shutil.which("java") is None:
            pytest.skip("Spark itself needs PySpark with its archives, and Java")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", False)
        session = builder.getOrCreate()
        yield varhouse.register_spark(session)
        session.stop()
        return
    if is_whole or not is_here("pysail"):
        pytest.skip("Sail needs pysail and pyspark-client")
    from pysail.spark import SparkConnectServer

    # PySpark takes a main module without a file, as a worker of the tests has it, for doctests
    vars(sys.modules["__main__"]).setdefault("__file__", __file__)
    server = SparkConnectServer(port=0)
    server.start()
    _, port = server.listening_address
    session = sql.SparkSession.builder.remote(f"sc://localhost:{port}").create()
    yield varhouse.register_spark(session)
    session.stop()
    server.stop()


@pytest.mark.parametrize(
    ("name", "table", "query"), [("numbers", numbers(), SCALARS), ("sets", sets(), SETS)]
)
def test_the_same_sql_gives_the_same_numbers(
    spark: Any, name: str, table: pa.Table, query: str
) -> None:
    spark.createDataFrame(table).createOrReplaceTempView(name)
    found = spark.sql(query).toArrow().to_pylist()
    con = varhouse.register(duckdb.connect(config={"threads": 1}))
    try:
        con.register(name, table)
        wanted = con.sql(query).to_arrow_table().to_pylist()
    finally:
        con.close()
    assert len(found) == table.num_rows
    for row, expected in zip(found, wanted, strict=True):
        ours = flat(row)
        for path, leaf in flat(expected).items():
            same = pytest.approx(leaf, rel=1e-14) if isinstance(leaf, float) else leaf
            assert ours.pop(path) == same, path
        assert not ours


def flat(value: object, name: str = "") -> dict[str, object]:
    """Return the leaves of nested structs and lists by their paths."""
    if isinstance(value, dict):
        pairs = [(f"{name}.{key}", each) for key, each in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{name}[{place}]", each) for place, each in enumerate(value)]
    else:
        return {name: value}
    return {path: leaf for key, each in pairs for path, leaf in flat(each, key).items()}


def test_every_function_that_reads_no_table_is_there(spark: Any) -> None:
    for function in FUNCTIONS:
        if not function.reads_tables:
            nothing = ", ".join(["null"] * len(function.parameters))
            rows = spark.sql(f"select {function.name}({nothing}) as value").collect()
            assert len(rows) == 1


def test_without_pyspark_the_extra_is_named() -> None:
    start = (
        "import sys; sys.modules['pyspark'] = None; import varhouse; varhouse.register_spark(None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", start], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(REPO / "py")},
    )  # fmt: skip
    assert "pip install 'varhouse[spark]'" in done.stderr.splitlines()[-1]
