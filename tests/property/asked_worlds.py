"""Random worlds with names, built under some profiles, and why pairs of them have no score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import duckdb
from tests.property import v2g_profile_twin as twin
from tests.property.v2g_worlds import Variant, World, fill, random_world
from tests.v2g import build, empty_warehouse

from varhouse.ask.reference import freeze_reference

WEIGHTED = ("vep", "gtex_v7", "eqtl", "own_study", "javierre2016", "mine", "canonical_tss")
DEFAULTS: dict[str, Any] = {
    "quantile": "percent_rank",
    "vep": "raw",
    "vep_map": "configs",
    "vep_terms": "all",
    "qtl": "neglog10p",
    "weights": "page",
    "missing_weight": "error",
    "denominator": "all",
    "biotype": "deny_page",
    "biotype_stage": "before",
    "distance": True,
    "max_distance": 500000,
    "tss": "gene",
    "interval_zero": "keep",
    "interval_join": "pos",
    "interval_population": "evidence",
    "constant": "method",
    "fantom": "as_is",
    "source_alias": False,
    "lower_is_better": (),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "zeros": {
        "distance": False,
        "interval_zero": "drop",
        "interval_join": "ref_span",
        "missing_weight": "drop",
        "denominator": "present",
        "weights": "loaded",
        "biotype_stage": "after",
    },
    "alias": {
        "source_alias": True,
        "max_distance": 40,
        "tss": "canonical_transcript",
        "vep": "quantile",
        "missing_weight": "drop",
        "biotype": "protein_coding",
    },
    "frozen": {"distance": False, "missing_weight": "drop"},
}
# symbols: none, one, one of two genes, one in another case, one that is the id of another gene
SYMBOLS = {"G1": "ALPHA", "G2": "DUPLEX", "G3": "Duplex", "G4": "größe", "G6": "G6", "G7": "G8"}
RSIDS = {
    "rs11": ["1_1000_A_C"],
    # several alleles, several positions, and two ids of one variant
    "rs22": ["1_1100_A_C", "1_1100_A_G", "1_1100_ACGT_A"],
    "rs33": ["1_1200_G_T", "2_1000_C_T", "X_500_G_C"],
    "rs44": ["X_500_G_C", "MT_300_A_G"],
}


ASKED = ["v2g_source_scores", "v2g_evidence", "v2g_profile", "+v2g_excluded_genes"]


class Asked(NamedTuple):
    """A world, its profile and the warehouse that was built of it."""

    world: World
    profile: Mapping[str, Any]
    reference: World | None
    con: duckdb.DuckDBPyConnection

    def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            self.con.sql(query, params=list(params)).to_arrow_table().to_pylist()
        )
        return found


def add_names(con: duckdb.DuckDBPyConnection) -> None:
    con.executemany(
        "update raw.genes set gene_name = ? where gene_id = ?",
        [[name, gene_id] for gene_id, name in SYMBOLS.items()],
    )
    # an id that a variant has in the index, and another that a QTL file gives it
    for rsid, variants in RSIDS.items():
        for variant in variants:
            con.execute(
                "update raw.variants set rsid = ? where variant_id = ? and rsid is null",
                [rsid, variant],
            )
            con.execute("update raw.qtl set rsid = ? where variant_id = ?", [rsid, variant])
    con.execute("delete from load_manifest")
    for load_id, file in ((1, "slice.parquet"), (2, 'intervals,\n"ü".bed')):
        con.execute(
            "insert into load_manifest values (?, 'evidence', ?, 'x', 1, 'f', null, 'GRCh38', "
            "1, 1, 0, map {}, '0', now())",
            [load_id, file],
        )
    con.execute("update raw.qtl set load_id = 1; update raw.annotations set load_id = 2")


def asked_world(name: str) -> Iterator[Asked]:
    """Build a world under one of the settings."""
    profile = {**DEFAULTS, **SETTINGS[name]}
    seed = sorted(SETTINGS).index(name) + 40
    world = random_world(
        seed, index=name != "alias", weightless=name != "default", weights=WEIGHTED
    )
    variables = {f"v2g_{option}": profile[option] for option in SETTINGS[name]}
    reference = None
    with empty_warehouse() as con:
        if name == "frozen":
            reference = random_world(seed + 1, weights=WEIGHTED)
            fill(con, reference)
            build(con, select=["+v2g_cut_points"], **variables)
            freeze_reference(con, "before")
            variables["v2g_reference"] = "before"
        fill(con, world)
        add_names(con)
        build(con, **variables, select=["+v2g_scores", *ASKED])
        yield Asked(world, profile, reference, con)


def alleles(name: str, asked: Asked) -> list[str]:
    """Return the variants that a name stands for."""
    if name not in RSIDS:
        return [name]
    in_index = {v.id for v in asked.world.variants}
    in_qtl = {row.variant.id for row in asked.world.qtl}
    known = {}
    for rsid, variants in RSIDS.items():
        for variant in variants:
            if variant in in_index:
                known.setdefault((variant, "index"), rsid)
            if variant in in_qtl:
                # the update above writes the last one
                known[variant, "qtl"] = rsid
    return sorted({variant for (variant, _), rsid in known.items() if rsid == name})


def reason(asked: Asked, variant: Variant, gene_id: str) -> str:
    """Return why a pair has no score, from the rows that were loaded."""
    world, profile = asked.world, asked.profile
    gene = next((gene for gene in world.genes if gene.id == gene_id), None)
    if gene is None:
        return "unknown gene"
    if variant not in twin.scored_variants(world):
        return "not in the index"
    scores: list[tuple[str, str, str, float | None]] = []
    for row in [*world.qtl, *world.slice_qtl]:
        if (row.variant, row.gene) == (variant, gene_id):
            source = row.type if profile["source_alias"] else row.source
            feature = row.feature or twin.UNSPECIFIED
            scores.append((source, row.type, feature, twin.qtl_score(row, profile)))
    own = [row for row in world.slice_links if (row.variant, row.gene) == (variant, gene_id)]
    own += [
        row
        for row in world.intervals
        if row.gene == gene_id and twin.lies_in(variant, row, profile)
    ]
    for row in own:
        feature = row.feature or twin.UNSPECIFIED
        score = twin.interval_score(row.source, row.score, profile)
        scores.append((row.source, row.type, feature, score))
    terms = [row.terms for row in [*world.slice_terms, *world.vep] if row[:2] == (variant, gene_id)]
    if terms:
        best = max(twin.term_score(term, profile) for each in terms for term in each)
        scores.append((twin.VEP, twin.VEP, twin.UNSPECIFIED, best))
    distances = twin.distance_rows(world, {**profile, "biotype": "none"})
    is_close = any((row.variant, row.gene) == (variant, gene_id) for row in distances)
    is_close &= gene.chrom != "MT"
    usable = [row for row in scores if row[3] is not None]
    if gene.chrom == "MT" or twin.has_excluded_biotype(gene, profile):
        near = profile["distance"] and variant.chrom == gene.chrom
        return "excluded" if usable or near else ("no number" if scores else "nothing")
    assert not is_close, "a pair this close has a score"
    if not scores:
        return "nothing"
    if not usable:
        return "no number"
    counted = []
    for source, type_id, feature, score in usable:
        weight = twin.weight_of(source, type_id, world, profile)
        if source == twin.VEP and profile["vep"] == "raw":
            counted.append(None if not score else weight)
        elif asked.reference is not None and not in_reference(asked, source, feature):
            continue
        else:
            counted.append(weight)
    if {*counted} - {None}:
        return "weighs 0"
    return "does not count" if counted else "not in the reference"


def in_reference(asked: Asked, source: str, feature: str) -> bool:
    assert asked.reference is not None
    _, population = twin.ranked_rows(asked.reference, asked.profile)
    return (source, feature) in population


ANSWERS = {
    "unknown gene": "the gene cannot be scored",
    "not in the index": "is not in the variant index",
    "excluded": "points to is excluded or unknown",
    "nothing": "no evidence row and no TSS close enough",
    "no number": "none with a number to score",
    "does not count": "none that scores above zero",
    "not in the reference": "reference of this build does not know",
    "weighs 0": "sources that weigh 0 only",
}
