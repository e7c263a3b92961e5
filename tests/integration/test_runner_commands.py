"""The model commands as a person runs them: output, artifacts, exit codes, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from tests.command import run_main
from tests.runner_projects import ProjectFolder

REPO = Path(__file__).resolve().parents[2]
FILES = {
    "data/seeds/s.csv": "id,name\n1,a\n2,b\n",
    "models/a.sql": "select id, name from {{ ref('s') }} where id < {{ var('n', 10) }}",
    "models/b.sql": "{{ config(materialized='view', tags=['x']) }}\nselect * from {{ ref('a') }}",
    "models/m.yml": "models:\n  - name: a\n    description: the a\n    columns:\n"
    "      - {name: id, data_tests: [unique]}\n",
}


class House:
    """A project and a database, with the command line between them."""

    def __init__(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = ProjectFolder(tmp_path / "project", FILES)
        self.database = tmp_path / "w.duckdb"
        self._capfd = capfd

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr of a command."""
        where = ["--db", str(self.database), "--project-dir", str(self.folder.path)]
        self._capfd.readouterr()
        return run_main(*words, *where, "--threads", "2"), *self._capfd.readouterr()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        con = duckdb.connect(str(self.database), read_only=True)
        try:
            return con.execute(query).fetchall()
        finally:
            con.close()


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> House:
    return House(tmp_path, capfd)


def test_build_twice(house: House) -> None:
    code, out, err = house("build")
    assert (code, out) == (0, "")
    assert "success   a" in err
    assert "3 success, 1 passed" in err
    assert "w.duckdb was not there" in err
    code, out, err = house("build")
    assert (code, out) == (0, "")
    assert "was not there" not in err
    assert "4 unchanged" in err
    assert house("build", "-q") == (0, "", "")
    assert house.rows("select count(*) from b") == [(2,)]


def test_plan_says_why_and_changes_nothing(house: House) -> None:
    code, out, err = house("plan", "--format", "json")
    assert (code, err) == (0, "")
    assert [(row["node"], row["reason"]) for row in json.loads(out)] == [
        ("s", "new"), ("a", "new"), ("b", "new"),
    ]  # fmt: skip
    assert not house.database.exists()
    house("build")
    _, out, _ = house("plan", "--vars", "{n: 2}")
    assert [line.split() for line in out.splitlines()][1:] == [
        ["s", "seed", "seed", "unchanged", "unchanged"],
        ["a", "model", "table", "build", "sql", "changed"],
        ["b", "model", "view", "build", "parent", "changed:", "a"],
    ]
    assert house.rows("select count(*) from a") == [(2,)]


def test_a_failure_exits_1_and_retry_takes_it_up(house: House) -> None:
    assert house("build")[0] == 0
    house.folder.write({"models/a.sql": "select 1 as id from {{ ref('s') }}"})
    code, out, err = house("build")
    assert (code, out) == (1, "")
    assert "models/m.yml:5: test unique_a_id: 1 failing row" in err
    code, out, _ = house("show", "--select", "unique_a_id", "--format", "json")
    assert (code, json.loads(out)) == (0, [{"unique_field": 1, "n_records": 2}])
    assert "the table is as it was before" in err
    assert "skipped" in err
    assert house.rows("select count(*) from a where name is not null") == [(2,)]
    assert house("retry")[0] == 1
    house.folder.write({"models/a.sql": "select id, name, 1 as x from {{ ref('s') }}"})
    code, _, err = house("retry")
    assert code == 0
    assert "2 success, 1 passed" in err
    code, _, err = house("retry")
    assert code == 0
    assert err.startswith("nothing to retry: the last run has no failures.")


def test_retry_keeps_the_vars_of_the_run(house: House) -> None:
    house.folder.write(
        {"models/a.sql": "select id, nope from {{ ref('s') }} where id < {{ var('n', 10) }}"}
    )
    assert house("run", "--vars", "{n: 2}")[0] == 1
    house.folder.write(FILES)
    assert house("retry")[0] == 0
    assert house.rows("select id from a") == [(1,)]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["build", "-s", "nope"], "nothing matches"),
        (["build", "--vars", "[1]"], "wanted a mapping"),
        (["build", "--vars", "{a: "], "not YAML"),
        (["run", "--engine", "spark"], "--engine duckdb"),
        (["run", "--engine", "mysql"], "mysql"),
        (["show"], "name the model or data test"),
        (["show", "a"], "nodes are named with --select or --exclude, which stands before each: "
         "varhouse show --select a"),
        (["build", "-s", "a", "--exclude", "b", "c+", "tag:x y"], "found c+ tag:x y without"),
        (["plan", "tag:x y"], "varhouse plan --select 'tag:x y'"),
        (["show", "-s", "a b"], "no such warehouse"),
        (["retry"], "no such warehouse"),
        (["ls", "-s", "@a"], "not supported"),
    ],
)  # fmt: skip
def test_wrong_use_exits_2(house: House, words: list[str], what: str) -> None:
    if words[:3] == ["show", "-s", "a b"]:
        words = ["show", "-s", "a"]
    code, out, err = house(*words)
    assert (code, out) == (2, "")
    assert what in err


def test_a_project_outside_the_subset_exits_2_before_anything_is_made(house: House) -> None:
    house.folder.write({"models/c.sql": "select {{ dbt_utils.star('a') }}"})
    code, _, err = house("build")
    assert code == 2
    assert "models/c.sql:1" in err
    assert not house.database.exists()


def test_ls(house: House) -> None:
    assert house("ls")[1].splitlines() == [
        "small.s", "small.a", "small.b", "test:small.unique_a_id",
    ]  # fmt: skip
    assert house("ls", "-s", "tag:x", "--output", "path")[1] == "models/b.sql\n"
    _, out, _ = house("ls", "--resource-type", "model", "--output", "json")
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["a", "b"]
    house("build")
    assert house("ls", "-s", "state:modified")[0] == 2
    house.folder.write({"models/a.sql": "select 1 as id"})
    assert house("ls", "-s", "state:modified", "--output", "name")[1] == "a\nunique_a_id\n"


@pytest.mark.parametrize("command", ["build", "plan", "ls", "compile", "show"])
def test_an_exclusion_that_matches_nothing_is_warned_of_once(house: House, command: str) -> None:
    house("build")
    code, out, err = house(command, "-s", "a", "--exclude", "bb")
    assert code == 0
    assert err.count("--exclude bb: nothing matches. Did you mean b") == 1
    assert "--exclude" not in out
    assert "--exclude" not in house(command, "-s", "a", "--exclude", "b")[2]
    assert "--exclude" not in house(command, "-s", "a", "--exclude", "bb", "-q")[2]


def test_show_runs_the_query_as_it_is_in_the_file(house: House) -> None:
    house("build")
    house.folder.write({"models/a.sql": "select id * 100 as big from {{ ref('s') }} order by 1"})
    code, out, _ = house("show", "-s", "a", "--limit", "1", "--format", "csv")
    assert (code, out) == (0, "big\n100\n")
    assert house.rows("select count(*) from a where name is not null") == [(2,)]
    house.folder.write({"models/a.sql": "select\n  nope\nfrom {{ ref('s') }}"})
    code, _, err = house("show", "-s", "a")
    assert code == 1
    assert "models/a.sql:2: " in err


def test_compile_writes_files(house: House) -> None:
    code, out, _ = house("compile", "-s", "b", "--vars", "{n: 3}")
    assert code == 0
    assert out == 'select * from "main"."a"\n'
    compiled = house.folder.path / "target" / "compiled" / "small"
    assert (compiled / "models" / "b.sql").read_text(encoding="utf-8") == out
    house("compile", "--vars", "{n: 3}")
    assert "id < 3" in (compiled / "models" / "a.sql").read_text(encoding="utf-8")


def test_artifacts_have_the_shape_that_dbt_gives_them(house: House) -> None:
    house("build")
    target = house.folder.path / "target"
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    node = manifest["nodes"]["model.small.a"]
    assert node["depends_on"]["nodes"] == ["seed.small.s"]
    assert node["description"] == "the a"
    assert node["config"]["materialized"] == "table"
    assert node["original_file_path"] == "models/a.sql"
    assert node["compiled_code"].endswith("where id < 10")
    assert manifest["parent_map"]["model.small.b"] == ["model.small.a"]
    assert "model.small.b" in manifest["child_map"]["model.small.a"]
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    by_id = {result["unique_id"]: result for result in results["results"]}
    assert by_id["model.small.a"]["status"] == "success"
    assert by_id["model.small.a"]["adapter_response"] == {"rows_affected": 2}
    assert results["args"]["which"] == "build"


def test_docs_are_one_page(house: House) -> None:
    house("build")
    code, out, _ = house("docs")
    assert code == 0
    assert "the a" in Path(out.strip()).read_text(encoding="utf-8")


def test_init_copies_a_project_that_builds(house: House, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert house("init", str(copy))[1] == f"{copy}\n"
    for name in ("dbt_project.yml", "models", "sql/macros", "data/seeds"):
        assert (copy / name).exists()
    code, _, err = house("init", str(copy))
    assert code == 2
    assert "not empty" in err


def test_messages_as_json_lines(house: House) -> None:
    _, out, err = house("build", "--log-json")
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines[0]["level"] == "warning"
    assert {line["node"]: line["status"] for line in lines[1:]}["model.small.a"] == "success"


ENDLESS = "select sum(hash(a.i, b.i)) as s from range(100000000) as a(i), range(1000000) as b(i)"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_a_signal_ends_the_query_and_leaves_the_tables(
    house: House, number: signal.Signals, code: int
) -> None:
    assert house("build")[0] == 0
    house.folder.write(
        {"models/a.sql": f"{ENDLESS}, {{{{ ref('s') }}}}", "models/c.sql": "select 1 as x"}
    )
    command = [
        sys.executable, "-c", "from varhouse.cli import main; main()", "build", "--db",
        str(house.database), "--project-dir", str(house.folder.path), "--threads", "2",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPO / "py")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    # The line of c tells that the run has begun; a, before it, is in its query by then.
    for line in process.stderr:
        if "success" in line:
            break
    time.sleep(0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert "interrupted" in err
    assert house.rows("select count(*) from a where name is not null") == [(2,)]
    assert not list(house.database.parent.glob(f".{house.database.name}.spill-*"))
    house.folder.write(FILES)
    assert house("build")[0] == 0
