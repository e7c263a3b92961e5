"""What the codes of rejected and doubtful rows mean, in words."""

from __future__ import annotations

EXPECTED_CODES = frozenset({"known_variant", "known_gene", "no_gene"})
"""Rows left out because they belong elsewhere or are there already; no fault of the file."""

_MESSAGES = {
    "unknown_contig": "the contig is not one of 1..22, X, Y, MT",
    "pos_missing": "the position is not a whole number",
    "position_below_one": "positions start at 1",
    "beyond_chromosome_end": "the position lies beyond the chromosome's end: wrong --build?",
    "ref_missing": "the reference allele is neither bases nor . * <...>",
    "alt_missing": "the alternative allele is neither bases nor . * <...>",
    "variant_id_missing": "the variant cannot be read as chrom_pos_ref_alt",
    "variant_id_mismatch": "variant_id differs from the row's chromosome, position and alleles",
    "gene_id_missing": "the row names no gene",
    "type_id_unknown": "type_id is not a type of evidence that is known",
    "p_value_not_finite": "the p-value is NaN or infinite",
    "p_value_not_a_number": "the p-value is not a number",
    "p_value_out_of_range": "the p-value is below 0 or above 1",
    "p_value_zero": "the p-value is 0 (underflow); kept, ranks above every p-value over 0",
    "score_not_finite": "the score is NaN or infinite",
    "score_not_a_number": "the score is not a number",
    "effect_not_finite": "beta or its standard error is not a finite number; kept as absent",
    "duplicate_variant": "the variant stands in the file already",
    "known_variant": "the variant is in the warehouse already",
    "known_gene": "the gene is in the warehouse already, with the same coordinates",
    "tss_differs": "tss is neither the start on + nor the end on -; kept as it is",
    "strand_unknown": "the strand is not one of 1, +, -1, -",
    "start_after_end": "the start lies after the end",
    "weight_not_a_number": "the weight is not a number",
    "weight_out_of_range": "the weight is below 0 or not finite",
    "no_gene": "the consequence concerns no gene (intergenic or regulatory)",
    "consequence_terms_missing": "the row names no consequence",
    "alleles_unknown": "the variant's alleles cannot be told from the row",
    "duplicate_row": "the row stands in the file already",
    "ragged_row": "the line has not the columns that it should have",
    "p_value_missing": "the row has no p-value, so it has no score",
    "p_value_unreadable": "the p-value is below the doubles, not written as mantissa and exponent",
    "p_value_underflow": "the p-value is below the doubles; neglog10_p keeps it, p_value is 0",
    "se_not_positive": "the standard error is 0 or below; kept as absent",
    "gene_id_not_ensembl": "the gene id is not an Ensembl gene id",
    "variant_of_other_build": "the variant id ends in the name of another genome build",
    "num_tests_missing": "the row does not say how many tests its gene had",
    "p_above_threshold": "the p-value is above 0.05 / num_tests",
    "outside_cis_window": "the variant is more than 1 Mb from the gene's TSS",
    "zero_length": "the interval is empty (start = end in 0-based coordinates)",
    "score_missing": "the row has no score",
    "score_negative": "the score is below 0; kept, ranks below every other",
    "interval_unreadable": "the interval cannot be read as contig, start and end",
    "unknown_gene": "the gene symbol is not in the gene table",
    "ambiguous_gene_symbol": "the gene symbol belongs to several genes",
    "no_promoter_gene": "the bait holds no TSS of a protein-coding gene",
    "other_chromosome": "interval and gene are on different chromosomes",
    "too_far_from_gene": "the interval is farther from the gene than the source's limit",
    "feature_not_in_table": "the cell type has no known code; its name is kept, in the same style",
    "study_id_missing": "the row names no study",
    "credible_set_missing": "the row names no credible set",
    "lead_variant_id_missing": "the lead variant cannot be read as chrom_pos_ref_alt",
    "tag_variant_id_missing": "the tag variant cannot be read as chrom_pos_ref_alt",
    "posterior_not_a_number": "the posterior probability is not a number",
    "posterior_out_of_range": "the posterior probability is below 0 or above 1",
    "r2_not_a_number": "r2 is not a number",
    "r2_out_of_range": "r2 is below 0 or above 1",
    "posterior_and_r2_missing": "the row has neither a posterior probability nor r2",
    "duplicate_tag": "study, lead and tag stand in the file already; the highest is kept",
    "no_bgzf_end_marker": "the BGZF file lacks its end marker and may be cut short",
}


def message_of(code: str) -> str:
    """Return what a code means, in words; the code itself, spelled out, when it has no text."""
    return _MESSAGES.get(code, code.replace("_", " "))
