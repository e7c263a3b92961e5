"""Build the same project with real dbt and with varhouse and compare every table.

dbt-core and dbt-duckdb get an environment of their own (.venv-dbt). Both tools start from copies
of one warehouse that holds the demo's evidence; afterwards each model and seed has to have the
same columns, types and rows (as multisets) on both sides, for several profiles. Exits with 1 on
any difference; with 0 and a reason only where dbt cannot be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import yaml

from varhouse.demo import write_demo_files
from varhouse.ingest.load import load_files
from varhouse.settings import Settings
from varhouse.warehouse import open_warehouse

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-dbt"
# what runs the SQL functions in Python, which dbt gets through dbt_plugin.py
REQUIREMENTS = (
    "dbt-core==1.11.*", "dbt-duckdb==1.11.*", "numpy>=2.0", "polars>=1.20", "pyarrow>=18",
    "scipy>=1.16", "threadpoolctl>=3.5",
)  # fmt: skip
PROJECT_PARTS = ("dbt_project.yml", "models", "sql/macros", "sql/checks", "data/seeds")
PROFILES = ("default", "production2022", "prototype_v2")
# The two tools name the same file: dbt writes the file's name into its views.
DATABASE = "warehouse.duckdb"
QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "DBT_USE_COLORS": "false",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


# The demo has no credible sets: two loci, one with posteriors and one with r2 only.
_TAGS = """
    insert into raw.tags
    select
        'study_' || locus, lead, variant_id,
        case when locus = 0 then 1.0 / (1 + distance) end, 1.0 / (1 + distance), 0
    from (
        select
            variant_idx % 2 as locus, variant_id, variant_idx // 50 as distance,
            min_by(variant_id, variant_idx) over (partition by variant_idx % 2) as lead
        from raw.variants
        where variant_idx < 1000
    )
"""

# The demo has no genotypes: 30 donors, a tenth of the calls missing or uncertain.
_GENOTYPES = """
    insert into raw.donors
    select i, 'D' || i, i % 7 > 0, case i % 3 when 0 then 1 when 1 then 2 end, 0
    from range(30) as t(i);
    update raw.variants set genotype_load_id = 0 where variant_idx % 3 > 0;
    insert into raw.genotypes_rare
    with draws as (
        select variant_idx, donor_idx, hash(variant_idx * 100 + donor_idx) % 1000 as drawn
        from raw.variants cross join raw.donors
        where genotype_load_id is not null and is_genotyped
    )
    select
        variant_idx,
        donor_idx,
        case when drawn < 50 then null when drawn < 100 then 0.75 when drawn < 150 then 2 else 1 end
    from draws
    where drawn < 100 + 800 * (variant_idx % 5) / 5
"""


class Relation(NamedTuple):
    """One table or view of one side: its columns in order and its rows in a parquet file."""

    columns: list[tuple[str, str]]
    rows: Path


class BuildError(Exception):
    """One of the two builds failed."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    os.environ.update(QUIET)
    problem = _make_environment()
    if problem:
        print(f"dbt parity: skipped, dbt cannot be installed here: {problem}")
        return 0
    known = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["v2g_profiles"]
    profiles = list(known) if options.all else options.profile or list(PROFILES)
    with tempfile.TemporaryDirectory(prefix="varhouse_parity_") as scratch:
        work = Path(scratch)
        base = work / "base" / DATABASE
        _load_evidence(base)
        n_different = 0
        for profile in profiles:
            started = time.monotonic()
            try:
                n_different += _compare_profile(profile, base, work / profile)
            except BuildError as error:
                print(f"dbt parity: {profile}: {error}")
                return 1
            print(f"{profile}: {time.monotonic() - started:.0f} s")
    if n_different:
        print(f"dbt parity: {n_different} differences in {len(profiles)} profiles")
        return 1
    print(f"dbt parity: no difference in {len(profiles)} profiles ({', '.join(profiles)})")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", action="append", help="a V2G profile; may be repeated")
    parser.add_argument("--all", action="store_true", help="every profile of dbt_project.yml")
    return parser.parse_args(arguments)


def _make_environment() -> str | None:
    """Install dbt once; return why not if that fails."""
    stamp = VENV / ".installed"
    if stamp.is_file() and stamp.read_text() == "\n".join(REQUIREMENTS):
        return None
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    done = subprocess.run(
        [str(VENV / "bin" / "python"), "-m", "pip", "install", "-qq", *REQUIREMENTS],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    stamp.write_text("\n".join(REQUIREMENTS))
    return None


def _load_evidence(database: Path) -> None:
    database.parent.mkdir(parents=True)
    files = write_demo_files(database.parent / "files")
    inputs: list[tuple[str, Path, str | None]] = [
        ("genes", files.genes, None),
        ("variants", files.variants, None),
        ("evidence", files.evidence, None),
        ("qtl", files.qtl, None),
        ("intervals", files.intervals, "thurman2012"),
        ("vep", files.vep, None),
    ]
    with open_warehouse(Settings(database=database, threads=1)) as con:
        for kind, file, source_id in inputs:
            load_files(con, kind, [file], build=files.build, source_id=source_id, format=None)
        con.execute(_TAGS)
        con.execute(_GENOTYPES)


def _compare_profile(profile: str, base: Path, work: Path) -> int:
    sides = {}
    for side in ("dbt", "varhouse"):
        folder = work / side
        for part in PROJECT_PARTS:
            _copy(ROOT / part, folder / part)
        shutil.copyfile(base, folder / DATABASE)
        variables = json.dumps({"v2g_profile": profile})
        {"dbt": _build_with_dbt, "varhouse": _build_with_varhouse}[side](folder, variables)
        sides[side] = folder
    names = _built_names(sides["dbt"]) | _built_names(sides["varhouse"])
    theirs = _relations(sides["dbt"], names)
    ours = _relations(sides["varhouse"], names)
    width = max(len(name) for name in names)
    n_different = 0
    for name in sorted(names):
        n_rows, differences = _differences(theirs.get(name), ours.get(name))
        verdict = "; ".join(differences) or f"same, {n_rows:,} rows"
        print(f"{profile}  {name:{width}}  {verdict}")
        n_different += len(differences)
    for difference in _test_differences(sides["dbt"], sides["varhouse"]):
        print(f"{profile}  {difference}")
        n_different += 1
    return n_different


def _built_names(folder: Path) -> set[str]:
    """Return the models and seeds that one side's manifest says become tables or views."""
    return {
        node["alias"]
        for node in _json(folder / "target" / "manifest.json")["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
    }


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _build_with_dbt(folder: Path, variables: str) -> None:
    profile = yaml.safe_load((folder / "dbt_project.yml").read_text())["profile"]
    output = {
        "type": "duckdb",
        "path": str(folder / DATABASE),
        "schema": "main",
        "threads": 1,
        "module_paths": [str(ROOT / ".ci"), str(ROOT / "py")],
        "plugins": [{"module": "dbt_plugin"}],
    }
    (folder / "profiles.yml").write_text(
        yaml.safe_dump({profile: {"target": "warehouse", "outputs": {"warehouse": output}}})
    )
    command = [str(VENV / "bin" / "dbt"), "build", "--profiles-dir", ".", "--vars", variables]
    _run(command, folder)


def _build_with_varhouse(folder: Path, variables: str) -> None:
    command = [sys.executable, "-c", "from varhouse.cli import main; main()", "build"]
    command += ["--project-dir", ".", "--db", DATABASE, "--threads", "1", "--no-progress"]
    _run([*command, "--vars", variables], folder)


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-60:])
        tool = "dbt" if "dbt" in Path(command[0]).name else "varhouse"
        raise BuildError(f"{tool} build exited with {done.returncode}:\n{said}")


def _relations(folder: Path, names: set[str]) -> dict[str, Relation]:
    """Write every named relation of schema main to parquet and describe it."""
    found = {}
    with duckdb.connect(str(folder / DATABASE), read_only=True) as con:
        for name in sorted(names):
            columns = con.execute(
                "select column_name, data_type from duckdb_columns() where table_name = ? "
                "and schema_name = 'main' and database_name = current_database() "
                "order by column_index",
                [name],
            ).fetchall()
            if columns:
                rows = folder / f"{name}.parquet"
                con.sql(f'select * from main."{name}"').write_parquet(str(rows))
                found[name] = Relation(columns, rows)
    return found


def _differences(theirs: Relation | None, ours: Relation | None) -> tuple[int, list[str]]:
    if theirs is None or ours is None:
        return 0, [f"only in {'varhouse' if theirs is None else 'dbt'}"]
    if theirs.columns != ours.columns:
        pairs = zip(theirs.columns, ours.columns, strict=False)
        first = next((pair for pair in pairs if pair[0] != pair[1]), None)
        text = f"dbt has {first[0]}, varhouse {first[1]}" if first else "one has more columns"
        return 0, [f"columns differ: {text}"]
    with duckdb.connect() as con:
        n_rows = con.read_parquet(str(ours.rows)).count("*").fetchall()[0][0]
        return n_rows, list(_row_differences(con, theirs, ours))


def _row_differences(
    con: duckdb.DuckDBPyConnection, theirs: Relation, ours: Relation
) -> Iterator[str]:
    for label, one, other in (("dbt", theirs, ours), ("varhouse", ours, theirs)):
        only = con.sql(
            "select * from read_parquet($one) except all select * from read_parquet($other)",
            params={"one": str(one.rows), "other": str(other.rows)},
        ).fetchall()
        if only:
            yield f"{len(only):,} rows only in {label}, such as {only[0]}"


def _test_differences(dbt_folder: Path, our_folder: Path) -> list[str]:
    """Compare how many nodes of each kind ran and how they ended."""
    theirs, ours = _outcomes(dbt_folder), _outcomes(our_folder)
    return [
        f"{kind} {status}: dbt {theirs[kind, status]}, varhouse {ours[kind, status]}"
        for kind, status in sorted(theirs.keys() | ours.keys())
        if theirs[kind, status] != ours[kind, status]
    ]


def _outcomes(folder: Path) -> Counter[tuple[str, str]]:
    results = _json(folder / "target" / "run_results.json")["results"]
    same = {"pass": "success"}
    return Counter(
        (result["unique_id"].partition(".")[0], same.get(result["status"], result["status"]))
        for result in results
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
