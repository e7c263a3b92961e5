"""One small file of each dialect of summary statistics, and what its row is in the table.

Every expected value is written by hand.
"""

from __future__ import annotations

import math
from typing import Any

# Dialect -> build to give, header and one row, and what the row is in the table.
DIALECTS: dict[str, tuple[str | None, str, dict[str, Any]]] = {
    "eqtl-catalogue": (
        None,
        "molecular_trait_id\tchromosome\tposition\tref\talt\tvariant\tma_samples\tmaf\tpvalue\tbeta"
        "\tse\ttype\tac\tan\tr2\tmolecular_trait_object_id\tgene_id\tmedian_tpm\trsid\n"
        "ENSG00000000001.7\t1\t100\tTC\tT\tchr1_100_TC_T\t3\t0.25\t1e-400\t0.5\t0.25\tINDEL\t15\t20"
        "\tNA\tENSG00000000001\tENSG00000000001.7\t1\trs5",
        {"variant_id": "1_100_TC_T", "rsid": "rs5", "gene_id": "ENSG00000000001", "beta": 0.5,
         "trait_id": "ENSG00000000001.7", "z": 2, "p_value": 0, "log10p": 400, "af": 0.75},
    ),
    "gtex": (
        None,
        "variant_id\tgene_id\ttss_distance\tma_samples\tma_count\tmaf\tpval_nominal\tslope"
        "\tslope_se\nchr1_64764_C_T_b38\tENSG00000227232.5\t35211\t70\t71\t0.06\t1e-8\t0.5\t0.1",
        {"variant_id": "1_64764_C_T", "gene_id": "ENSG00000227232", "log10p": 8, "z": 5},
    ),
    "tensorqtl-trans": (
        "GRCh38",
        "variant_id\tphenotype_id\tpval\tb\tb_se\taf\n"
        "chr1_100_A_G\tENSG00000000001.3\t0.01\t0.5\t0.25\t0.125",
        {"variant_id": "1_100_A_G", "trait_id": "ENSG00000000001.3", "log10p": 2, "af": 0.125,
         "gene_id": "ENSG00000000001", "beta": 0.5, "se": 0.25, "study_id": "GCST1"},
    ),
    "gwas-catalog-harmonised-old": (
        None,
        "hm_variant_id\thm_rsid\thm_chrom\thm_pos\thm_other_allele\thm_effect_allele\thm_beta"
        "\thm_odds_ratio\thm_ci_lower\thm_ci_upper\thm_effect_allele_frequency\thm_code\tchromosome"
        "\tbase_pair_location\teffect_allele\tother_allele\tp_value\tstandard_error\tbeta\n"
        "1_100_A_G\trs1\t1\t100\tA\tG\tNA\t2\t1\t4\t0.3\t10\t1\t90\tC\tT\t0.01\tNA\tNA",
        {"variant_id": "1_100_A_G", "beta": math.log(2), "af": 0.3, "log10p": 2,
         "se": math.log(4) / 2 / 1.959963984540054, "alleles_from": "file"},
    ),
    "gwas-catalog-harmonised": (
        None,
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error"
        "\teffect_allele_frequency\tp_value\trsid\trs_id\tn\thm_code\tvariant_id\n"
        "1\t100\tG\tA\t0.5\t0.1\t0.3\t0.01\trs1\trs1\t16378\t10\t1_100_A_G",
        {"variant_id": "1_100_A_G", "beta": 0.5, "af": 0.3, "n": 16378, "alleles_from": "file"},
    ),
    "gwas-ssf": (
        "GRCh37",
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\todds_ratio\tstandard_error"
        "\teffect_allele_frequency\tneg_log_10_p_value\tvariant_id\trsid\tref_allele\tn\n"
        "23\t100\tA\tG\t2\t0.25\t0.75\t350\t#NA\t#NA\tEA\t1000",
        {"variant_id": "X_100_A_G", "beta": -math.log(2), "se": 0.25, "af": 0.25, "log10p": 350,
         "p_value": 0, "n": 1000, "rsid": None, "alleles_from": "file"},
    ),
    "finngen": (
        None,
        "#chrom\tpos\tref\talt\trsids\tnearest_genes\tpval\tmlogp\tbeta\tsebeta\taf_alt\n"
        "23\t100\tG\tA\trs1,rs2\tOR4F5\t0.01\t2.0\t-0.5\t0.25\t0.125",
        {"variant_id": "X_100_G_A", "rsid": "rs1,rs2", "beta": -0.5, "af": 0.125, "log10p": 2},
    ),
    "finngen-susie": (
        None,
        "trait\tregion\tv\trsid\tchromosome\tposition\tallele1\tallele2\tmaf\tbeta\tse\tp\tprob\n"
        "AB1\tchr6:1-2\t6:100:G:T\tchr6_100_G_T\tchr6\t100\tG\tT\t0.4\t0.5\t0.25\t0.01\t0.9",
        {"study_id": "AB1", "variant_id": "6_100_G_T", "rsid": None, "z": 2, "af": None},
    ),
    "regenie": (
        "GRCh38",
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA\n"
        "1 100 rs1 G A 0.25 0.9 494 ADD-INT_SNP 0.5 0.25 4 2 NA",
        {"variant_id": "1_100_G_A", "af": 0.25, "info": 0.9, "n": 494, "test": "ADD-INT_SNP",
         "p_value": 0.01, "log10p": 2},
    ),
    "saige": (
        "GRCh38",
        "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tAC_Allele2\tAF_Allele2\tMissingRate\tBETA\tSE\tTstat"
        "\tvar\tp.value\tN_case\tN_ctrl\n"
        "1\t100\t1:100:A:C\tA\tC\t5\t0.25\t0\t0.5\t0.25\t1\t1\t0.01\t100\t900",
        {"variant_id": "1_100_A_C", "af": 0.25, "n": 1000, "n_cases": 100, "test": "ADD"},
    ),
    "plink2-glm": (
        "GRCh38",
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tTEST\tOBS_CT\tOR\tLOG(OR)_SE\tZ_STAT\tP\tERRCODE\n"
        "1\t100\trs1\tA\tC\tA\t0.25\tADD\t494\t2\t0.25\t2.5\t0.01\t.",
        {"variant_id": "1_100_A_C", "beta": -math.log(2), "se": 0.25, "z": -2.5, "af": 0.75,
         "n": 494, "alleles_from": "file"},
    ),
    "opentargets-sumstats": (
        None,
        "studyId\tvariantId\tchromosome\tposition\tbeta\tsampleSize\tpValueMantissa"
        "\tpValueExponent\teffectAlleleFrequencyFromSource\tstandardError\n"
        "GCST5\t18_100_G_A\t18\t100\t0.5\t10\t2.0\t-350\t\t0.25",
        {"study_id": "GCST5", "variant_id": "18_100_G_A", "p_value": 0, "n": 10, "z": 2,
         "log10p": 350 - math.log10(2), "af": None},
    ),
    "plink1-assoc": (
        "GRCh38",
        " CHR      SNP   BP   A1       TEST    NMISS         OR       SE         STAT           P\n"
        "  25  X:9:A:C    9    A        ADD      494          2     0.25          2.5        0.01",
        {"variant_id": "X_9_A_C", "beta": -math.log(2), "se": 0.25, "z": -2.5, "n": 494,
         "test": "ADD", "alleles_from": "file"},
    ),
    "gcta": (
        "GRCh38",
        "CHR\tSNP\tPOS\tA1\tA2\tN\tAF1\tBETA\tSE\tP\n1\trs1\t100\tA\tC\t494\t0.25\t0.5\t0.25\t0.01",
        {"variant_id": "1_100_C_A", "rsid": "rs1", "beta": 0.5, "z": 2, "af": 0.25, "n": 494,
         "alleles_from": "assumed"},
    ),
    "bolt-lmm": (
        "GRCh37",
        "SNP\tCHR\tBP\tGENPOS\tALLELE1\tALLELE0\tA1FREQ\tF_MISS\tCHISQ_LINREG\tP_LINREG\tBETA\tSE"
        "\tCHISQ_BOLT_LMM_INF\tP_BOLT_LMM_INF\tCHISQ_BOLT_LMM\tP_BOLT_LMM\n"
        "1:100_A_C\t1\t100\t0.1\tA\tC\t0.25\t0\t4\t0.05\t0.5\t0.25\t4\t0.02\t5\t0.01",
        {"variant_id": "1_100_A_C", "beta": -0.5, "z": -2, "af": 0.75, "p_value": 0.01,
         "alleles_from": "file"},
    ),
    "metal": (
        "GRCh38",
        "MarkerName\tAllele1\tAllele2\tFreq1\tFreqSE\tWeight\tZscore\tP-value\tDirection\n"
        "1:100:A:C\ta\tc\t0.25\t0.1\t494.00\t2.5\t0.01\t++?",
        {"variant_id": "1_100_A_C", "beta": None, "z": -2.5, "af": 0.75, "n": 494, "log10p": 2,
         "alleles_from": "file"},
    ),
    "ldsc": (
        "GRCh38",
        "SNP\tA1\tA2\tN\tZ\nrs1\tA\tC\t1000.0\t-2.5",
        {"variant_id": None, "rsid": "rs1", "ref": "C", "alt": "A", "z": -2.5, "beta": None,
         "p_value": None, "n": 1000, "alleles_from": "assumed"},
    ),
    "sumstats": (
        "GRCh38",
        "variant_id,beta,se,p,gene_id,study_id,af\n22-100-a-g,0.5,0.25,2e-310,ENSG00000000001.2,s,1",
        {"variant_id": "22_100_A_G", "gene_id": "ENSG00000000001", "study_id": "s", "af": 1,
         "log10p": 310 - math.log10(2)},
    ),
}  # fmt: skip
