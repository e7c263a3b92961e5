"""What the codes of rejected and doubtful rows mean, in words."""

from __future__ import annotations

EXPECTED_CODES = frozenset(
    {"known_variant", "known_gene", "contig_not_kept", "reference_assumed",
     "annotation_missing", "no_alternative_allele", "spanning_deletion", "unspecified_allele",
     "outside_regions", "outside_maf", "duplicate_left_out", "duplicate_merged",
     "row_labels_left_out", "gene_columns_left_out", "row_of_covariate",
     "phenotype_not_tested", "place_not_in_build", "score_without_transcript",
     "half_call_missing"}
)  # fmt: skip
"""Rows left out because they belong elsewhere or are there already; no fault of the file."""

FILTER_CODES = frozenset({"outside_regions", "outside_maf"})
"""Rows left out by a filter that was asked for."""

READABLE_CODES = FILTER_CODES | {
    "known_variant", "known_gene", "duplicate_left_out", "duplicate_merged",
}  # fmt: skip
"""Rows left out that were read and understood: a file that has such is of the right kind."""

_MESSAGES = {
    "unknown_contig": "the contig is not one of 1..22, X, Y, MT",
    "pos_missing": "the position is not a whole number",
    "start_pos_missing": "the start is not a whole number",
    "end_pos_missing": "the end is not a whole number",
    "position_below_one": "positions start at 1",
    "beyond_chromosome_end": "the position lies beyond the chromosome's end: wrong --build?",
    "position_of_other_build": "the position lies beyond the chromosome's end, not in the other "
    "genome build: wrong --build?",
    "ref_missing": "the reference allele is neither bases nor . * <...>",
    "alt_missing": "the alternative allele is neither bases nor . * <...>",
    "several_alleles": "the row has several alternative alleles: write a row for each, as "
    "bcftools norm -m -any does",
    "variant_id_missing": "the variant cannot be read as chrom_pos_ref_alt",
    "alleles_swapped": "known before with reference and alternative allele interchanged; kept as "
    "the file has it: is its reference the genome's? (A1 of older PLINK files is the minor allele)",
    "variant_id_mismatch": "variant_id differs from the row's chromosome, position and alleles: "
    "was it kept through a liftover?",
    "gene_id_missing": "the row names no gene",
    "type_id_unknown": "type_id is not a type of evidence that is known",
    "p_value_not_finite": "the p-value is NaN or infinite",
    "p_value_not_a_number": "the p-value is not a number",
    "p_value_out_of_range": "the p-value is below 0 or above 1",
    "p_value_zero": "the p-value is 0 (underflow); kept, ranks above every p-value over 0",
    "score_without_transcript": "a score has several values, but not one for each transcript that "
    "is told; kept as rows of the gene",
    "gene_of_transcript_unknown": "the row names several genes, but not one for each transcript; "
    "kept without a gene",
    "place_not_in_build": "the file has no position of the variant on the build that is asked for",
    "score_not_finite": "the score is NaN or infinite",
    "score_not_a_number": "the score is not a number",
    "effect_allele_unknown": "the effect allele is neither allele of the variant; kept without "
    "its beta",
    "effect_not_finite": "beta or its standard error is not a finite number; kept as absent",
    "duplicate_variant": "the variant stands in the file already",
    "known_variant": "the variant is in the warehouse already",
    "known_gene": "the gene is in the warehouse already, with the same coordinates",
    "contig_not_kept": "the gene is on a patch, scaffold or other contig besides 1..22, X, Y, MT",
    "gene_at_two_places": "the gene stands in the file already, at another place",
    "transcript_left_out": "transcripts without id, gene or place, or listed twice; left out",
    "value_missing": "the row has no value",
    "value_not_a_number": "the value is not a number",
    "value_not_finite": "the value is NaN or infinite",
    "sum_negative": "the sum is below 0, so it is not of counts; kept as it is",
    "n_cells_unreadable": "n_cells is not a whole number above 0; kept as not known",
    "donor_id_missing": "the row names no donor",
    "minus_nine_kept": "the value is -9, in a column that is not below 0 otherwise: PLINK's code "
    "for missing? Kept as the number; write NA for a missing value",
    "row_labels_left_out": "a column of row names or numbers that R or pandas wrote; left out",
    "gene_columns_left_out": "a column about the genes, which is no donor; left out",
    "means_are_whole": "every value is a whole number from 0 on, as sums of counts are; taken as "
    "means: if they are sums, give them in a column sum of a table with a value a line",
    "covariate_not_finite": "the value is infinite; kept as missing",
    "sex_unreadable": "the sex is none of 1, 2, M, F, male, female; kept as not known",
    "sex_differs": "the donor has another sex in the file of the genotypes; that one is kept",
    "tss_differs": "tss is neither the start on + nor the end on -; kept as it is",
    "strand_unknown": "the strand is not one of 1, +, -1, -",
    "start_after_end": "the start lies after the end",
    "consequence_terms_missing": "the row names no consequence",
    "alleles_unknown": "the row tells its alleles in VEP's spelling only; kept, and found by place "
    "and allele among the variants that are loaded",
    "annotation_missing": "the record has no annotation",
    "annotation_empty": "the row names neither a consequence nor a score",
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
    "p_value_absent": "the row has no p-value; kept, p_value and log10p are NULL",
    "p_value_below_doubles": "the p-value is below the doubles; log10p keeps it, p_value is 0",
    "odds_ratio_not_positive": "the odds ratio is not a number above 0; kept without an effect",
    "af_out_of_range": "the allele frequency is below 0 or above 1; kept as absent",
    "position_unknown": "no position, and no variant of the index has the rsid and the alleles",
    "alleles_missing": "the effect allele is absent or not spelled in bases (I, D, 0)",
    "other_allele_unknown": "the row names one allele only, and the variant index has not exactly "
    "one variant with it there",
    "alleles_equal": "both alleles are the same",
    "alleles_are_codes": "the alleles are numbers instead of bases; kept as they are",
    "row_of_covariate": "the row's TEST is a covariate's, not the variant's",
    "phenotype_not_tested": "the row has neither effect nor p-value of the phenotype, as regenie "
    "writes it where a variant was tested with others only",
    "phenotypes_unnamed": "no dictionary (.Ydict) beside the file says what its phenotypes Y1, Y2 "
    "and so on are; their studies are called so",
    "reference_assumed": "nothing says which allele is the reference: the other one is taken",
    "association_repeated": "study, variant, trait and test were there before, in this file or "
    "another one; all kept. Are they of several traits, tissues or cohorts? A column trait_id or "
    "study_id tells rows apart, --source files",
    "number_unreadable": "z, a frequency, a count of people, info or an odds ratio with its "
    "interval is text that is no number, such as 1,234; kept as absent",
    "duplicate_tag": "study, lead and tag stand in the file already; the highest is kept",
    "donor_missing": "the cell has no donor",
    "cell_type_missing": "the cell has no cell type",
    "cells_maybe_sums": "no two rows share cell type and donor, and obs has n_cells: are they sums "
    "over cells? Each is taken for one cell, so that means are not those of cells",
    "cells_not_primary": "is_primary_data is false for them and true for others: they may be in "
    "the file twice, from two data sets; counted all the same",
    "columns_taken": "columns of obs that were taken, as none was named",
    "duplicate_gene": "the gene stands in an earlier column of the matrix; that one is kept",
    "gene_symbol_kept": "the symbol of expression names no gene of the table, or several; it is "
    "the gene id, and no test uses it until load genes brings one gene of that name",
    "gene_symbol_resolved": "the symbol of expression that was loaded before names a gene now",
    "sex_unclear": "a sex is 0, which may be either, or no value is understood; it is not taken",
    "age_unclear": "ages are not numbers; age is not taken",
    "trait_varies": "cells of one donor differ in it (n donors); it is not taken",
    "trait_differs": "another file says otherwise of the donor; what was there first is kept",
    "not_counts": "the named matrix holds no counts: means are of its values as they are, no sums",
    "reference_provisional": "PLINK 2 says that the reference of all or some variants is "
    "provisional, as in what was PLINK 1: it may be the major allele. Settle it with plink2 "
    "--ref-from-fa force",
    "no_alternative_allele": "the record has no alternative allele",
    "spanning_deletion": "the alternative allele is *, a deletion that another record describes",
    "unspecified_allele": "the alternative allele is <NON_REF> or <*>, any that was not seen",
    "symbolic_allele": "the alternative allele is symbolic (<DEL>, a breakend): not stored",
    "allele_not_bases": "an allele has letters besides A C G T N; kept as it is",
    "duplicate_left_out": "the variant's genotypes are there already; the first are kept, as asked",
    "duplicate_merged": "the variant's genotypes are there already; both are merged, as asked",
    "outside_regions": "the variant lies outside the --region that are wanted",
    "outside_maf": "the minor allele frequency is outside --min-maf, --max-maf",
    "dosage_passed_over": "the call (GT) is missing where there is a dosage (DS), as PLINK 2 "
    "writes what is uncertain; kept as missing. To have the dosages, remove GT (bcftools annotate "
    "-x FORMAT/GT)",
    "half_call_missing": "calls of one known allele (./1), as vt decompose makes of 1/2; missing. "
    "To count the allele that is there, load with --half-call reference",
    "sample_not_in_file": "samples in the --samples file that the genotype file does not have",
    "no_bgzf_end_marker": "the BGZF file lacks its end marker and may be cut short",
}


def message_of(code: str) -> str:
    """Return what a code means, in words; the code itself, spelled out, when it has no text."""
    return _MESSAGES.get(code, code.replace("_", " "))
