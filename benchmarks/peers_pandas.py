"""The production pipeline's scoring in pandas."""

from __future__ import annotations

import argparse
from pathlib import Path

import evidence
import numpy as np
import pandas as pd
from measure import measured

SMALLEST_DOUBLE = 5e-324


def ranked_genes(folder: Path, *, sources: bool) -> pd.DataFrame:
    """Score and rank the genes of every variant, with the list of ``sources`` if asked."""
    genes = pd.read_parquet(folder / "genes.parquet", columns=["gene_id", "biotype"])
    allowed = genes.loc[~genes["biotype"].isin(evidence.DENIED_BIOTYPES), "gene_id"]
    columns = ["variant_id", "gene_id", "type_id", "source_id", "feature"]
    kept = pd.read_parquet(
        folder / "evidence.parquet", columns=[*columns, "qtl_pval", "interval_score"]
    )
    kept = kept[kept["gene_id"].isin(allowed)]
    is_vep = kept["type_id"] == "vep"
    keys = ["variant_id", "gene_id", "source_id"]
    by_source = pd.concat(
        [_quantiled(kept[~is_vep])[[*keys, "score"]], _impact(kept[is_vep])[[*keys, "score"]]]
    )
    by_source = by_source.groupby(keys, sort=True, as_index=False)["score"].max()
    by_source["weight"] = by_source["source_id"].map(evidence.WEIGHTS)
    by_source["weighted"] = by_source["weight"] * by_source["score"]
    grouped = by_source.groupby(["variant_id", "gene_id"], sort=False)
    scored = grouped.agg(
        weighted=("weighted", "sum"), n_sources=("source_id", "size")
    ).reset_index()
    scored["overall_score"] = scored.pop("weighted") / sum(evidence.WEIGHTS.values())
    scored["rank"] = (
        scored["overall_score"]
        .round(12)
        .groupby(scored["variant_id"], sort=False)
        .rank("min", ascending=False)
    )
    if sources:
        # parallel lists, one entry a source: python objects, pandas has no nested column of its own
        ends = scored["n_sources"].cumsum().to_numpy()[:-1]
        for name, column in (("source_list", "source_id"), ("source_score_list", "score")):
            scored[name] = np.split(by_source[column].to_numpy(), ends)
    return scored


def _quantiled(rows: pd.DataFrame) -> pd.DataFrame:
    score = np.where(
        rows["type_id"] == "eqtl",
        -np.log10(np.maximum(rows["qtl_pval"], SMALLEST_DOUBLE)),
        rows["interval_score"],
    )
    grouped = pd.Series(score, index=rows.index).groupby(
        [rows["source_id"], rows["feature"]], sort=False
    )
    below = grouped.rank("min").astype(np.int64) - 1
    others = grouped.transform("size") - 1
    # half up, as Spark rounds: pandas' own round goes half to even
    tenths = (20 * below + others) // (2 * others).clip(lower=1)
    return rows.assign(score=tenths.where(others > 0, 0) / 10)


def _impact(rows: pd.DataFrame) -> pd.DataFrame:
    scores = {term: score for term, (_, score) in evidence.VEP_TERMS.items() if score > 0}
    rows = rows.assign(score=rows["feature"].map(scores))
    return rows[rows["score"].notna()]


def main() -> None:
    """Write the ranked genes of one folder and report the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--sources", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    with measured(arguments.report):
        ranked_genes(arguments.folder, sources=arguments.sources).to_parquet(arguments.out)


if __name__ == "__main__":
    main()
