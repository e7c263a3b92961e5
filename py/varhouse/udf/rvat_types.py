"""DuckDB types of ``rvat_region``; apart from it, because registering imports no numerics."""

_RELATIONS = (
    "pairs", "variants", "donors", "covariates", "phenotypes", "expression", "rare", "common",
)  # fmt: skip

INPUTS = "struct(" + ", ".join(f"{name} varchar" for name in _RELATIONS) + ")"
"""The relations that the function reads, as the SQL that calls it names them."""

OPTIONS = (
    "struct(aggregations varchar[], tests varchar[], kernel_weights integer[], "
    "kernel_power double, kernel_maf_beta double[], finite_sample boolean, fold boolean, "
    "missing_calls varchar, ties varchar, jitter_seed bigint)"
)

ROWS = (
    "struct(cell_type_idx integer, gene_idx integer, set_idx integer, test varchar, "
    "weight_idx integer, aggregation varchar, n_variants integer, n_carriers integer, "
    "n_donors integer, statistic double, beta double, se double, log_p double, lrt double, "
    "lrt_log_p double, error double, detail double, status varchar)[]"
)
