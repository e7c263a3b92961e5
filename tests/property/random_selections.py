"""Seeded random selections over a project: every method, operator and way to combine them."""

from __future__ import annotations

import random
from typing import NamedTuple

from varhouse.runner.project import Project


class Selection(NamedTuple):
    """What stands behind ``--select`` and ``--exclude``."""

    select: list[str]
    exclude: list[str]


def random_selection(project: Project, rng: random.Random) -> Selection:
    """Return a selection; most of its words name something that is there."""
    unions = [_intersection(project, rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    select = [" ".join(unions)] if rng.random() < 0.5 else unions
    if rng.random() < 0.1:
        select = []
    exclude = [_intersection(project, rng) for _ in range(rng.choice([0, 0, 1, 2]))]
    return Selection(select, exclude)


def _intersection(project: Project, rng: random.Random) -> str:
    return ",".join(_word(project, rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))


def _word(project: Project, rng: random.Random) -> str:
    above = rng.choice(["", "", "", "+", "+", "1+", "2+", "0+"])
    below = rng.choice(["", "", "", "+", "+", "+1", "+2", "+0"])
    if rng.random() < 0.03:
        above, below = "@", ""
    return above + rng.choice([_plain, _plain, _path, _by_method])(project, rng) + below


def _plain(project: Project, rng: random.Random) -> str:
    node = rng.choice(list(project.nodes.values()))
    name = rng.choice([node.name, node.name, *node.fqn])
    return rng.choice([
        name, f"fqn:{name}", ".".join(node.fqn), ".".join(node.fqn[1:]), ".".join(node.fqn[:-1]),
        ".".join(node.fqn[1:-1]) or name, f"{name[:3]}*", f"*{name[-2:]}", f"*.{name}",
        f"{name[:-1]}?", f"[{name[0]}x]{name[1:]}", f"{node.fqn[0]}.*", f"small.*.{name}",
        f"{name}.*", f"{'.'.join(node.fqn[:2])}*", name.upper(), f"{name[:-1]}", "*", "small",
        f"{node.fqn[0]}.{name}",
    ])  # fmt: skip


def _path(project: Project, rng: random.Random) -> str:
    node = rng.choice(list(project.nodes.values()))
    path = (node.patch if node.patch and rng.random() < 0.4 else node.location).path
    folder = path.rpartition("/")[0]
    file = path.rpartition("/")[2]
    stem = file.partition(".")[0]
    return rng.choice([
        path, folder, f"path:{path}", f"path:{folder}", f"path:{folder}/", f"path:{folder}/*",
        f"{folder}/*.sql", "path:models/**/*.sql", "models/*", "path:models", "path:data",
        f"file:{file}", f"file:{stem}", f"file:{stem[:3]}*", file, f"./{folder}/{file}",
        f"path:*/{stem}.sql", f"path:**/{stem}.*", "path:sql", f"{folder[:-1]}",
        f"path:{folder}/**", "file:*.yml", "path:models/marts/c*", f"path:{path[:-1]}?",
    ])  # fmt: skip


def _by_method(project: Project, rng: random.Random) -> str:
    nodes = list(project.nodes.values())
    source = rng.choice([node for node in nodes if node.resource_type == "source"])
    test = rng.choice([node for node in nodes if node.resource_type == "test"])
    tags = sorted({tag for node in nodes for tag in node.tags}) or ["none"]
    tag = rng.choice(tags)
    return rng.choice([
        f"tag:{tag}", f"tag:{tag}", f"tag:{tag[:2]}*", f"tag:{tag.upper()}", "tag:nothing",
        f"source:{source.source_name}", f"source:{source.source_name}.{source.name}", "source:*",
        f"source:small.{source.source_name}.{source.name}", f"source:*.{source.name}",
        f"source:{source.source_name}.*", f"source:{source.name}",
        *(f"resource_type:{kind}" for kind in ("model", "seed", "source", "test", "unit_test")),
        "resource_type:snapshot", "resource_type:odd",
        *(f"test_type:{kind}" for kind in ("data", "generic", "singular", "unit", "odd")),
        "test_name:unique", "test_name:not_*", f"test_name:{test.name}", "test_name:unit_*",
        *(f"config.materialized:{kind}" for kind in ("table", "view", "ephemeral", "incremental",
                                                     "seed", "test", "source", "unit_test")),
        "config.severity:warn", "config.severity:ERROR", "config.enabled:true",
        f"config.tags:{tag}", "config.unique_key:id", "config.unique_key:bucket",
        "config.incremental_strategy:merge", "config.incremental_strategy:append",
        "config.meta.owner:us", "config.meta.level:1", "config.meta.reviewed:true",
        "config.full_refresh:false", "config.contract.enforced:true", "config.delimiter:;",
        "config.contract.enforced:false", "config.on_schema_change:ignore",
        "config.where:id", "config.nothing:1", "config.quote_columns:false",
        "package:small", "package:this", "unit_test:*", "group:x", "access:protected",
        "version:latest", "result:error", "exposure:*", "metric:*", "odd:x", "selector:x",
    ])  # fmt: skip
