"""Column lineage against answers worked out by hand from each query."""

from __future__ import annotations

import pytest

from varhouse.runner.lineage import ColumnLineage, ColumnRef, column_lineage

PARENTS = {
    "raw.evidence": {
        "variant_id": "VARCHAR",
        "gene_id": "VARCHAR",
        "source_id": "VARCHAR",
        "score": "DOUBLE",
        "beta": "DOUBLE",
        "terms": "VARCHAR[]",
        "tissue": "STRUCT(organ VARCHAR, cell STRUCT(kind VARCHAR))",
        "hits": "STRUCT(source_id VARCHAR, weight DOUBLE)[]",
        "counts": "MAP(VARCHAR, BIGINT)",
        "level": "ENUM('low', 'high')",
    },
    "main.weights": {"source_id": "VARCHAR", "weight": "DOUBLE"},
    "main.genes": {"gene_id": "VARCHAR", "Biotype": "VARCHAR"},
}


def trace(sql: str) -> dict[str, ColumnLineage]:
    return column_lineage({"main.model": sql}, PARENTS)["main.model"]


def sources(found: ColumnLineage) -> set[str]:
    return {f"{relation}.{column}" for relation, column in found.sources}


HAND_CHECKED = {
    "plain column": (
        "select gene_id as g from raw.evidence",
        {"g": {"raw.evidence.gene_id"}},
    ),
    "bare name prefers the default schema": (
        "select gene_id, biotype from genes",
        {"gene_id": {"main.genes.gene_id"}, "biotype": {"main.genes.Biotype"}},
    ),
    "join and arithmetic": (
        """select e.variant_id, e.score * w.weight as weighted
           from raw.evidence as e inner join main.weights as w on e.source_id = w.source_id""",
        {
            "variant_id": {"raw.evidence.variant_id"},
            "weighted": {"raw.evidence.score", "main.weights.weight"},
        },
    ),
    "using merges both sides": (
        "select source_id, weight from raw.evidence inner join main.weights using (source_id)",
        {
            "source_id": {"raw.evidence.source_id", "main.weights.source_id"},
            "weight": {"main.weights.weight"},
        },
    ),
    "chain of ctes with a star at the end": (
        """with evidence as (select variant_id, score from raw.evidence),
           doubled as materialized (select variant_id, score * 2 as twice from evidence)
           select * from doubled""",
        {"variant_id": {"raw.evidence.variant_id"}, "twice": {"raw.evidence.score"}},
    ),
    "cte named like a table": (
        """with weights as (select source_id, 1.0 as weight from raw.evidence)
           select weights.source_id, weights.weight from weights""",
        {"source_id": {"raw.evidence.source_id"}, "weight": set()},
    ),
    "union by position": (
        """select variant_id as k, score as x from raw.evidence
           union all select source_id, weight from main.weights""",
        {
            "k": {"raw.evidence.variant_id", "main.weights.source_id"},
            "x": {"raw.evidence.score", "main.weights.weight"},
        },
    ),
    "union by name": (
        """select variant_id as k, score as x from raw.evidence
           union all by name select weight as x, source_id as k from main.weights""",
        {
            "k": {"raw.evidence.variant_id", "main.weights.source_id"},
            "x": {"raw.evidence.score", "main.weights.weight"},
        },
    ),
    "union by name of three": (
        """select variant_id as k, score as x from raw.evidence
           union all by name select weight as x, source_id as k from main.weights
           union all by name select 0.0 as x, gene_id as k from main.genes""",
        {
            "k": {"raw.evidence.variant_id", "main.weights.source_id", "main.genes.gene_id"},
            "x": {"raw.evidence.score", "main.weights.weight"},
        },
    ),
    "aggregates": (
        """select e.gene_id, count(*) as n, sum(e.score * w.weight) / sum(w.weight) as mean,
             max(e.score) filter (where e.beta > 0) as best, max_by(e.source_id, e.score) as winner
           from raw.evidence as e inner join main.weights as w on e.source_id = w.source_id
           group by e.gene_id""",
        {
            "gene_id": {"raw.evidence.gene_id"},
            "n": set(),
            "mean": {"raw.evidence.score", "main.weights.weight"},
            "best": {"raw.evidence.score", "raw.evidence.beta"},
            "winner": {"raw.evidence.source_id", "raw.evidence.score"},
        },
    ),
    "list of structs": (
        """select list({'source_id': e.source_id, 'score': e.score} order by e.beta) as parts
           from raw.evidence as e""",
        {"parts": {"raw.evidence.source_id", "raw.evidence.score", "raw.evidence.beta"}},
    ),
    "window": (
        """select rank() over (partition by variant_id order by score desc) as rank
           from raw.evidence""",
        {"rank": {"raw.evidence.variant_id", "raw.evidence.score"}},
    ),
    "named window": (
        """select sum(score) over w as total, beta from raw.evidence
           window w as (partition by gene_id)""",
        {"total": {"raw.evidence.score", "raw.evidence.gene_id"}, "beta": {"raw.evidence.beta"}},
    ),
    "struct fields": (
        """select e.tissue.organ as organ, tissue.cell.kind as kind, e.tissue['organ'] as again
           from raw.evidence as e""",
        {
            "organ": {"raw.evidence.tissue"},
            "kind": {"raw.evidence.tissue"},
            "again": {"raw.evidence.tissue"},
        },
    ),
    "lambdas and list comprehensions": (
        """select list_transform(terms, lambda term: term || gene_id) as named,
             [term for term in terms if term <> source_id] as kept from raw.evidence""",
        {
            "named": {"raw.evidence.terms", "raw.evidence.gene_id"},
            "kept": {"raw.evidence.terms", "raw.evidence.source_id"},
        },
    ),
    "unnest in select": (
        """select variant_id, hit.weight * beta as x
           from (select variant_id, beta, unnest(hits) as hit from raw.evidence)""",
        {
            "variant_id": {"raw.evidence.variant_id"},
            "x": {"raw.evidence.hits", "raw.evidence.beta"},
        },
    ),
    "unnest in from": (
        """select e.variant_id, u.term from raw.evidence as e
           cross join unnest(e.terms) as u(term)""",
        {"variant_id": {"raw.evidence.variant_id"}, "term": {"raw.evidence.terms"}},
    ),
    "generated rows": (
        """select e.variant_id, b.bin from raw.evidence as e
           cross join lateral unnest(range(cast(e.score as int), cast(e.beta as int))) as b(bin)""",
        {
            "variant_id": {"raw.evidence.variant_id"},
            "bin": {"raw.evidence.score", "raw.evidence.beta"},
        },
    ),
    "map": (
        "select counts['a'] as a, map_keys(counts) as names from raw.evidence",
        {"a": {"raw.evidence.counts"}, "names": {"raw.evidence.counts"}},
    ),
    "enum": (
        "select level::varchar as level from raw.evidence",
        {"level": {"raw.evidence.level"}},
    ),
    "scalar subquery": (
        """select (select max(w.weight * e.beta) from main.weights as w) as top
           from raw.evidence as e""",
        {"top": {"main.weights.weight", "raw.evidence.beta"}},
    ),
    "correlated with a cte": (
        """with evidence as (select score + beta as s from raw.evidence)
           select (select max(w.weight * evidence.s) from main.weights as w) as top
           from evidence""",
        {"top": {"main.weights.weight", "raw.evidence.score", "raw.evidence.beta"}},
    ),
    "in a subquery": (
        "select source_id in (select source_id from main.weights) as is_weighted from raw.evidence",
        {"is_weighted": {"raw.evidence.source_id", "main.weights.source_id"}},
    ),
    "case, coalesce, alias used again": (
        """select case when beta > 0 then gene_id else source_id end as c,
             coalesce(score, 0) as s, s + beta as t from raw.evidence""",
        {
            "c": {"raw.evidence.beta", "raw.evidence.gene_id", "raw.evidence.source_id"},
            "s": {"raw.evidence.score"},
            "t": {"raw.evidence.score", "raw.evidence.beta"},
        },
    ),
    "star with exclude and replace": (
        "select * exclude (source_id) replace (weight * 2 as weight) from main.weights",
        {"weight": {"main.weights.weight"}},
    ),
    "recursive": (
        """with recursive walk as (
             select 1 as depth, variant_id as node from raw.evidence
             union all select depth + 1, node from walk where depth < 3)
           select depth, node from walk""",
        {"depth": set(), "node": {"raw.evidence.variant_id"}},
    ),
    "qualify and semi join choose rows only": (
        """select e.gene_id from raw.evidence as e
           semi join main.weights as w on e.source_id = w.source_id
           qualify row_number() over (partition by e.gene_id order by e.score) = 1""",
        {"gene_id": {"raw.evidence.gene_id"}},
    ),
    "three-part names": (
        'select e."variant_id" from "house"."raw"."evidence" as e',
        {"variant_id": {"raw.evidence.variant_id"}},
    ),
}


@pytest.mark.parametrize(("sql", "expected"), HAND_CHECKED.values(), ids=HAND_CHECKED.keys())
def test_columns_derive_from_what_their_expression_reads(
    sql: str, expected: dict[str, set[str]]
) -> None:
    found = trace(sql)
    assert {column: sources(lineage) for column, lineage in found.items()} == expected
    assert all(lineage.unresolved is None for lineage in found.values())


@pytest.mark.parametrize(
    ("sql", "column", "reason"),
    [
        ("select nope from raw.evidence", "nope", "raw.evidence has no column nope"),
        ("select columns('.*_id') from raw.evidence", "_col_0", "not expanded"),
        ("with a as (select * from raw.absent) select a.x from a", "x", "columns are not known"),
        ("select x from raw.absent as a, raw.gone as g", "x", "belongs to no table"),
        ("select from where", "*", "cannot follow"),
        ("select 1 as a union all by name select 2 as b", "*", "union by name"),
    ],
)
def test_what_cannot_be_followed_says_why(sql: str, column: str, reason: str) -> None:
    assert reason in str(trace(sql)[column].unresolved)


def test_a_known_column_is_never_dropped() -> None:
    parents = {**PARENTS, "main.model": {"variant_id": "VARCHAR", "weight": "DOUBLE"}}
    sql = "select variant_id, unnest(hits, recursive := true), 1 as one from raw.evidence"
    found = column_lineage({"main.model": sql}, parents)["main.model"]
    assert list(found) == ["variant_id", "weight"]
    assert sources(found["variant_id"]) == {"raw.evidence.variant_id"}
    assert found["weight"].sources == frozenset()
    assert "cannot be expanded" in str(found["weight"].unresolved)


def test_unnamed_columns_take_the_names_of_the_table() -> None:
    parents = {**PARENTS, "main.model": {"(score + 1)": "DOUBLE", "beta": "DOUBLE"}}
    found = column_lineage({"main.model": "select score + 1, beta from raw.evidence"}, parents)
    assert sources(found["main.model"]["(score + 1)"]) == {"raw.evidence.score"}


def test_models_that_are_not_built_yet_pass_their_columns_on() -> None:
    found = column_lineage(
        {
            "main.last": "select * from main.middle",
            "main.middle": "select gene_id, score as s from raw.evidence",
        },
        PARENTS,
    )
    assert {column: set(lineage.sources) for column, lineage in found["main.last"].items()} == {
        "gene_id": {ColumnRef("main.middle", "gene_id")},
        "s": {ColumnRef("main.middle", "s")},
    }
