"""Every model stays within what sqlglot can turn into Spark SQL."""

from __future__ import annotations

import pytest
import sqlglot

from varhouse.runner import load_project
from varhouse.runner.compile import Compiler
from varhouse.settings import shipped_project_dir

PROFILES = ("default", "percent_rank_raw", "sklearn10", "production2022", "prototype_v2")


@pytest.mark.parametrize("profile", PROFILES)
def test_compiled_models_become_spark_sql_that_parses(profile: str) -> None:
    project = load_project(shipped_project_dir(), vars={"v2g_profile": profile})
    compiler = Compiler(project)
    models = [node for node in project.nodes.values() if node.resource_type == "model"]
    assert len(models) > 20
    for node in models:
        if node.materialized == "ephemeral":
            continue  # compiled into the models that use it
        compiled = compiler.compile(node, incremental=False).text
        (spark,) = sqlglot.transpile(
            compiled, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.IGNORE
        )
        assert sqlglot.parse_one(spark, read="spark").named_selects, node.name
