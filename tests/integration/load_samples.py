"""A few good lines of every text format that can be loaded: what the fuzz test damages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from load_inputs import GENE_HEADER, SLICE, evidence_row, gene_line, target_line
from tests.sumstats_dialects import DIALECTS


@dataclass(frozen=True)
class Sample:
    """Lines of a file.

    Attributes
    ----------
    rows
        Good lines, without the header; ``{n}`` is replaced by a number of each row's own.
    header
        Lines before them.
    options
        What the load needs to be told, beside the build.
    """

    rows: list[str]
    header: list[str] = field(default_factory=list)
    build: str = "GRCh37"
    name: str = "fuzz.txt"
    options: dict[str, Any] = field(default_factory=dict)


NOT_TEXT = {
    ("evidence", "opentargets-slice"),
    ("genes", "opentargets-target"),
    ("genotypes", "plink1"),
    ("genotypes", "bcf"),
    ("genotypes", "bgen"),
    ("genotypes", "plink2"),
    ("cells", "h5ad"),
}
"""Formats that are binary or parquet."""

_VEP_HEADER = "#Uploaded_variation\tLocation\tAllele\tGene\tFeature\tFeature_type\tConsequence\t"
_VEP_ROW = "22_100_G_A\t22:100\tA\tENSG1\tENST1\tTranscript\tmissense_variant\t"
_VEP_JSON = {
    "id": "22_100_G_A", "input": "22\t100\t.\tG\tA", "seq_region_name": "22", "start": 100,
    "strand": 1, "allele_string": "G/A", "assembly_name": "GRCh37",
    "transcript_consequences": [
        {"gene_id": "ENSG1", "transcript_id": "ENST1", "variant_allele": "A", "impact": "LOW",
         "consequence_terms": ["missense_variant"]},
    ],
}  # fmt: skip
_VCF_HEADER = [
    "##fileformat=VCFv4.2",
    '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|Gene|Feature">',
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
]
_PARTS = ("chrom", "pos", "ref", "alt")
_TAG_PARTS = "\t".join(f"{side}_{part}" for side in ("lead", "tag") for part in _PARTS)
_GENE = "ENSG00000000001"
_FANTOM5 = "chr16:53737900-53737950;NM_1;FTO;R:0.5;FDR:0"

SAMPLES: dict[tuple[str, str], Sample] = {
    ("evidence", "opentargets-slice-tsv"): Sample(
        ["\t".join(str(evidence_row()[column]) for column in SLICE)]
    ),
    ("qtl", "eqtl-catalogue"): Sample(
        [f"{_GENE}\t1\t100\tA\tC\tchr1_100_A_C\t0.5\t1\t2\t{_GENE}\t{_GENE}\trs1"],
        ["molecular_trait_id\tchromosome\tposition\tref\talt\tvariant\tpvalue\tbeta\tse"
         "\tmolecular_trait_object_id\tgene_id\trsid"],
        "GRCh38",
    ),
    ("qtl", "eqtl-catalogue-credible-sets"): Sample(
        [f"{_GENE}\t{_GENE}\tL1\tchr1_100_A_C\trs1\t3\t0.5\t1e-10\t1\t2"],
        ["molecular_trait_id\tgene_id\tcs_id\tvariant\trsid\tcs_size\tpip\tpvalue\tbeta\tse"],
        "GRCh38",
    ),
    ("qtl", "gtex"): Sample(
        [f"chr1_100_A_C_b38\t{_GENE}.5\t5\t1e-400\t0.5\t0.1"],
        ["variant_id\tgene_id\ttss_distance\tpval_nominal\tslope\tslope_se"],
        "GRCh38",
    ),
    ("qtl", "production"): Sample(
        [f"1\t100\tA\tC\teqtl\tGTEX\tLiver\t1e-9\t100\t{_GENE}"],
        ["chrom\tpos\tother_allele\teffect_allele\ttype\tstudy\tbiofeature\tpval\tnum_tests"
         "\tgene_id"],
    ),
    ("qtl", "qtl"): Sample(
        [f"1_100_A_C,{_GENE},7.5,eqtl,mine,Liver"],
        ["variant_id,gene_id,log10p,type_id,source_id,feature"],
    ),
    ("intervals", "fantom5-andersson2014"): Sample(
        [f"chr16\t53737900\t53739000\t{_FANTOM5}\t500\t.\t900\t950\t0,0,0\t2\t1,1\t0,9"],
        name="fuzz.bed",
    ),
    ("intervals", "dhs-thurman2012"): Sample(
        ["chr1\t100\t200\tFTO\tchr1\t900\t950\t0.75"], name="fuzz.bed"
    ),
    ("intervals", "pchic-javierre2016"): Sample(
        ["chr16\t53737800\t53737900\t16:53737850-53737990,12.5\t1\t."],
        name="fuzz.bed",
        options={"feature": "Monocytes"},
    ),
    ("intervals", "pchic-jung2019"): Sample(
        ["FTO,chr16.53737900.53747900,Liver"],
        ["Promoter,Interacting_fragment,Tissue_type"],
        name="fuzz.csv",
    ),
    ("intervals", "encode-re2g"): Sample(
        [f"chr1\t100\t200\tFTO\t{_GENE}\tFALSE\tK562\t0.75"],
        ["#chr\tstart\tend\tTargetGene\tTargetGeneEnsemblID\tisSelfPromoter\tCellType\tScore"],
        "GRCh38",
    ),
    ("intervals", "intervals"): Sample(
        [f"1 100 200 {_GENE} 0.5 mine"], ["chrom start end gene_id score source_id"]
    ),
    ("intervals", "bed"): Sample(
        [f"chr1\t100\t200\t{_GENE}\t5"], name="fuzz.bed", options={"source_id": "mine"}
    ),
    ("annotations", "vep-tab"): Sample(
        [_VEP_ROW + "LOW", _VEP_ROW + "HIGH"], [_VEP_HEADER + "IMPACT"]
    ),
    ("annotations", "vep-default"): Sample([_VEP_ROW + "IMPACT=LOW;A=1"], [_VEP_HEADER + "Extra"]),
    ("annotations", "vep-json"): Sample([json.dumps(_VEP_JSON)]),
    ("annotations", "annotated-vcf"): Sample(
        ["22\t100\t.\tG\tA,T\t.\tPASS\tAC=1;CSQ=A|missense_variant|ENSG1|ENST1,T||ENSG1|"],
        _VCF_HEADER,
        name="fuzz.vcf",
    ),
    ("annotations", "cadd"): Sample(
        ["22\t100\tG\tA\t-0.5\t12.5"],
        ["## CADD GRCh37-v1.6", "#Chrom\tPos\tRef\tAlt\tRawScore\tPHRED"],
    ),
    ("annotations", "favor"): Sample(
        ["22-100-G-A,12.5,0.5,missense"],
        ["variant_vcf,cadd_phred,linsight,genecode_comprehensive_category"],
        "GRCh38",
        "fuzz.csv",
    ),
    ("annotations", "dbnsfp"): Sample(
        ["22\t100\tG\tA\t22\t90\tENSG1;ENSG1\tENST1;ENST2\t0.5;.\t0.25"],
        ["#chr\tpos(1-based)\tref\talt\thg19_chr\thg19_pos(1-based)\tEnsembl_geneid\t"
         "Ensembl_transcriptid\tREVEL_score\tCADD_phred"],
        "GRCh38",
    ),
    ("annotations", "score-table"): Sample(
        ["22_100_G_A\tENSG1\t0.5\tNA"], ["variant_id\tgene_id\tscore\tother"]
    ),
    ("genotypes", "vcf"): Sample(
        ["22\t1{n}\trs1\tG\tA\t.\tPASS\t.\tGT\t0/1\t./.",
         "22\t2{n}\t.\tG\tA,T\t.\tPASS\t.\tGT\t1/2\t0|0"],
        ["##fileformat=VCFv4.2",
         '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
         "##contig=<ID=22>",
         "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tD1\tD2"],
        name="fuzz.vcf",
    ),
    ("variants", "variant-index"): Sample(["1_5_A_T,rs1", '"1_6_A_T",rs2'], ["variant_id,rsid"]),
    ("genes", "gene-table"): Sample([gene_line(), gene_line(gene_id="ENSG2")], [GENE_HEADER]),
    ("genes", "opentargets-target-tsv"): Sample(
        [target_line(id="ENSG2"), target_line(id="ENSG3")],
        ["id\tapprovedSymbol\tbiotype\tchromosome\tstart\tend\tstrand\tcanonical_transcript"
         "\tcanonical_start\tcanonical_end\tcanonical_strand"],
        "GRCh38",
    ),
    ("genes", "gtf"): Sample(
        [f'1\tx\t{kind}\t100\t900\t.\t+\t.\tgene_id "ENSG1"; transcript_id "ENST1"; gene_name "A";'
         for kind in ("gene", "transcript", "exon")],
        name="fuzz.gtf",
    ),
    ("genes", "gff3"): Sample(
        ["1\tx\tgene\t100\t900\t.\t+\t.\tID=gene:ENSG1;Name=A;gene_id=ENSG1;version=2",
         "1\tx\tmRNA\t100\t900\t.\t+\t.\tID=transcript:ENST1;Parent=gene:ENSG1"],
        ["##gff-version 3"],
        name="fuzz.gff3",
    ),
    ("donors", "donors"): Sample(
        ["0{n}\t1\tx\t30", "D{n}\t2\ty\t40"], ["donor_id\tsex\tnote\tage"]
    ),
    ("covariates", "covariates"): Sample(
        ["0{n},M,30", "D{n},F,40.5", "E{n},,NA"], ["IID,sex,age"], name="fuzz.csv"
    ),
    ("covariates", "covariates-by-row"): Sample(["PC{n}\t0.5\t1", "age{n}\t1\t2"], ["id\tA\tB"]),
    ("pseudobulk", "pseudobulk"): Sample(
        [f"T\t{_GENE}\tD{{n}}\t5\t0.5\t30"],
        ["cell_type\tgene_id\tdonor_id\tsum\tmean\tn_cells"],
    ),
    ("pseudobulk", "pseudobulk-bed"): Sample(
        ["chr1\t1\t2\tENSG0000{n}\t0.5\t1"],
        ["#chr\tstart\tend\tphenotype_id\tA\tB"],
        options={"feature": "T"},
    ),
    ("pseudobulk", "pseudobulk-wide"): Sample(
        ["ENSG0000{n} 0.5 1"], ["gene_id A B"], options={"feature": "T"}
    ),
    ("tags", "tags"): Sample(
        [f"s\t1_5_A_T\t1_{n}_A_T\t1" for n in "56"], ["study_id\tlead\ttag\tr2"]
    ),
    ("tags", "opentargets-v2d"): Sample(
        ["s\t1\t5\tA\tT\t1\t6\tA\tT\t0.5"], [f"study_id\t{_TAG_PARTS}\tr2"]
    ),
    ("tags", "credible-sets"): Sample(["s\ta\tchr1:5:A:T\t0.5"], ["study_id\tcs_id\tvariant\tpip"]),
    ("weights", "source-weights"): Sample(["vep\t1", "gtex_v7\t0.66"], ["source_id\tweight"]),
    **{
        ("sumstats", name): Sample(
            text.splitlines()[1:], text.splitlines()[:1], build or "GRCh38"
        )
        for name, (build, text, _) in DIALECTS.items()
    },
}  # fmt: skip
