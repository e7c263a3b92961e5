"""The production pipeline's scoring in PySpark local, its window functions word for word."""

from __future__ import annotations

import argparse
from pathlib import Path

import evidence
from measure import measured
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

SMALLEST_DOUBLE = 4.9e-324


def ranked_genes(spark: SparkSession, folder: Path, *, sources: bool) -> DataFrame:
    """Score and rank the genes of every variant, with the list of ``sources`` if asked."""
    listed = F.collect_list(F.struct("source_id", "score", "weight")).alias("sources")
    allowed = (
        spark.read.parquet(str(folder / "genes.parquet"))
        .where(~F.col("biotype").isin(*evidence.DENIED_BIOTYPES))
        .select("gene_id")
    )
    kept = (
        spark.read.parquet(str(folder / "evidence.parquet"))
        .select(
            "variant_id", "gene_id", "type_id", "source_id", "feature", "qtl_pval", "interval_score"
        )
        .join(F.broadcast(allowed), "gene_id", "left_semi")
    )
    p_value = F.greatest(F.col("qtl_pval"), F.lit(SMALLEST_DOUBLE))
    score = F.when(F.col("type_id") == "eqtl", -F.log10(p_value)).otherwise(F.col("interval_score"))
    by_group = Window.partitionBy("source_id", "feature").orderBy("score")
    quantiled = (
        kept.where(F.col("type_id") != "vep")
        .withColumn("score", score)
        .withColumn("score", F.round(F.percent_rank().over(by_group), 1))
    )
    impact = spark.createDataFrame(
        [(term, score) for term, (_, score) in evidence.VEP_TERMS.items() if score > 0],
        "feature string, score double",
    )
    consequences = kept.where(F.col("type_id") == "vep").join(F.broadcast(impact), "feature")
    keys = ["variant_id", "gene_id", "source_id"]
    by_source = (
        quantiled.select(*keys, "score")
        .unionByName(consequences.select(*keys, "score"))
        .groupBy(*keys)
        .agg(F.max("score").alias("score"))
    )
    weights = spark.createDataFrame(
        list(evidence.WEIGHTS.items()), "source_id string, weight double"
    )
    scored = (
        by_source.join(F.broadcast(weights), "source_id")
        .groupBy("variant_id", "gene_id")
        .agg(
            (F.sum(F.col("weight") * F.col("score")) / sum(evidence.WEIGHTS.values())).alias(
                "overall_score"
            ),
            F.count("*").alias("n_sources"),
            *([listed] if sources else []),
        )
    )
    best_first = Window.partitionBy("variant_id").orderBy(F.round("overall_score", 12).desc())
    return scored.withColumn("rank", F.rank().over(best_first))


def main() -> None:
    """Write the ranked genes of one folder and report the cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--driver-memory", default="6g")
    parser.add_argument("--sources", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    spark = (
        SparkSession.builder.master(f"local[{arguments.threads}]")
        .appName("v2g")
        .config("spark.driver.memory", arguments.driver_memory)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(4 * arguments.threads))
        .config("spark.local.dir", str(arguments.out.parent))
        .getOrCreate()
    )
    # start the workers of the session outside the measured phase
    spark.range(1).count()
    try:
        with measured(arguments.report):
            ranked = ranked_genes(spark, arguments.folder, sources=arguments.sources)
            ranked.write.mode("overwrite").parquet(str(arguments.out))
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
