"""The production pipeline's scoring in polars: lazy, streamed where polars can."""

from __future__ import annotations

import argparse
from pathlib import Path

import evidence
import polars as pl
from measure import measured

SMALLEST_DOUBLE = 5e-324


def ranked_genes(folder: Path, *, sources: bool) -> pl.LazyFrame:
    """Score and rank the genes of every variant, with the list of ``sources`` if asked."""
    listed = [pl.struct("source_id", "score", "weight").alias("sources")] if sources else []
    allowed = (
        pl.scan_parquet(folder / "genes.parquet")
        .filter(~pl.col("biotype").is_in(evidence.DENIED_BIOTYPES))
        .select("gene_id")
    )
    kept = (
        pl.scan_parquet(folder / "evidence.parquet")
        .select(
            "variant_id", "gene_id", "type_id", "source_id", "feature", "qtl_pval", "interval_score"
        )
        .join(allowed, on="gene_id", how="semi")
    )
    ranked = kept.filter(pl.col("type_id") != "vep").with_columns(
        score=pl.when(pl.col("type_id") == "eqtl")
        .then(-pl.max_horizontal("qtl_pval", pl.lit(SMALLEST_DOUBLE)).log10())
        .otherwise(pl.col("interval_score"))
    )
    group = ["source_id", "feature"]
    below = pl.col("score").rank("min").over(group).cast(pl.Int64) - 1
    others = pl.len().over(group).cast(pl.Int64) - 1
    # half up, as Spark rounds: polars' own round goes half to even
    tenths = pl.when(others == 0).then(0).otherwise((20 * below + others) // (2 * others))
    quantiled = ranked.with_columns(score=tenths / 10)
    impact = pl.LazyFrame(
        {
            "feature": list(evidence.VEP_TERMS),
            "score": [score for _, score in evidence.VEP_TERMS.values()],
        }
    ).filter(pl.col("score") > 0)
    consequences = kept.filter(pl.col("type_id") == "vep").join(impact, on="feature")
    keys = ["variant_id", "gene_id", "source_id"]
    by_source = (
        pl.concat([frame.select(*keys, "score") for frame in (quantiled, consequences)])
        .group_by(keys)
        .agg(pl.col("score").max())
    )
    weights = pl.LazyFrame(
        {"source_id": list(evidence.WEIGHTS), "weight": list(evidence.WEIGHTS.values())}
    )
    denominator = sum(evidence.WEIGHTS.values())
    return (
        by_source.join(weights, on="source_id")
        .group_by("variant_id", "gene_id")
        .agg(
            # sources in one order, so that equal sets of scores give equal sums
            ((pl.col("weight") * pl.col("score")).sort_by("source_id").sum() / denominator).alias(
                "overall_score"
            ),
            pl.len().alias("n_sources"),
            *listed,
        )
        .with_columns(
            rank=pl.col("overall_score").round(12).rank("min", descending=True).over("variant_id")
        )
    )


def main() -> None:
    """Write the ranked genes of one folder and report the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--sources", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    with measured(arguments.report):
        ranked_genes(arguments.folder, sources=arguments.sources).sink_parquet(arguments.out)


if __name__ == "__main__":
    main()
