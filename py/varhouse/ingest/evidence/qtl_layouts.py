"""What each layout of QTL file calls its columns, and what it leaves unsaid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import build_of_first_id
from varhouse.ingest.records import Columns, has_columns

POSITION = ("chrom", "pos", "ref", "alt")
"""The columns that say a variant when they are all there; else it is read from its id."""


@dataclass(frozen=True, kw_only=True)
class QtlLayout:
    """How one layout names its columns and what it leaves unsaid.

    Attributes
    ----------
    columns
        Our name -> the layout's names; of what is not listed the layout has none.
    required
        Columns without which a file is not of this layout.
    p_columns
        Combinations of columns that give a p-value; one has to be there.
    source_id, type_id
        What rows are, where neither file nor user says; None asks the user.
    is_filtered
        Whether rows pass the filter of the Open Targets releases.
    """

    name: str
    wants: str
    columns: Columns
    required: Sequence[str]
    p_columns: Sequence[Sequence[str]] = (("p",),)
    source_id: str | None = "eqtl"
    type_id: str = "eqtl"
    is_filtered: bool = False
    genome_build: str | None = None
    stated_build: Callable[[SourceFile], str | None] | None = None

    def fits(self, source: SourceFile) -> bool:
        """Whether the header has what this layout needs."""
        return (
            has_columns(source, self.columns, self.required)
            and self._has_any(source, self.p_columns)
            and self._has_any(source, (POSITION, ("variant",)))
        )

    def _has_any(self, source: SourceFile, choices: Sequence[Sequence[str]]) -> bool:
        return any(
            self.columns.keys() >= set(names) and has_columns(source, self.columns, names)
            for names in choices
        )


_EFFECT: Columns = {"beta": ("beta", "slope"), "se": ("se", "slope_se", "standard_error")}

LAYOUTS: tuple[QtlLayout, ...] = (
    # https://www.ebi.ac.uk/eqtl/Data_access/ ; the order of columns changed between releases.
    QtlLayout(
        name="eqtl-catalogue",
        wants="molecular_trait_id, gene_id, variant (or chromosome, position, ref, alt), pvalue, "
        "beta, se; on GRCh38",
        columns={
            "trait": ("molecular_trait_id",),
            "object": ("molecular_trait_object_id",),
            "variant": ("variant",),
            "chrom": ("chromosome",),
            "pos": ("position",),
            "ref": ("ref",),
            "alt": ("alt",),
            "rsid": ("rsid",),
            "gene": ("gene_id",),
            "p": ("pvalue",),
            **_EFFECT,
        },
        required=("trait", "object", "gene", "p"),
        genome_build="GRCh38",
    ),
    QtlLayout(
        name="eqtl-catalogue-credible-sets",
        wants="molecular_trait_id, gene_id, cs_id, variant, pip, pvalue, beta, se; on GRCh38",
        columns={
            "trait": ("molecular_trait_id",),
            "credible_set": ("cs_id",),
            "pip": ("pip",),
            "variant": ("variant",),
            "rsid": ("rsid",),
            "gene": ("gene_id",),
            "p": ("pvalue",),
            **_EFFECT,
        },
        required=("trait", "credible_set", "pip", "gene", "p"),
        genome_build="GRCh38",
    ),
    # GTEx *.signif_variant_gene_pairs.txt and *.egenes.txt, and tensorQTL's own output.
    QtlLayout(
        name="gtex",
        wants="variant_id, gene_id (or phenotype_id), pval_nominal, slope, slope_se",
        columns={
            "trait": ("phenotype_id",),
            "variant": ("variant_id",),
            "rsid": (
                "rs_id_dbsnp155_grch38p13",
                "rs_id_dbsnp151_grch38p7",
                "rs_id_dbsnp147_grch37p13",
            ),
            "gene": ("gene_id", "phenotype_id"),
            "p": ("pval_nominal",),
            **_EFFECT,
        },
        required=("variant", "gene", "p"),
        stated_build=build_of_first_id,
    ),
    QtlLayout(
        name="production",
        wants="chrom, pos, ref (or other_allele), alt (or effect_allele), gene_id, pval, beta, se, "
        "num_tests, type, study, biofeature: the molecular-trait statistics of Open Targets",
        columns={
            "chrom": ("chrom", "chr_id"),
            "pos": ("pos", "position"),
            "ref": ("ref", "other_allele", "ref_allele"),
            "alt": ("alt", "effect_allele", "alt_allele"),
            "rsid": ("rsid", "rs_id"),
            "gene": ("gene_id",),
            "p": ("pval",),
            "num_tests": ("num_tests",),
            "type": ("type", "type_id"),
            "source": ("source_id",),
            "study": ("study", "study_id"),
            "feature": ("biofeature", "bio_feature", "feature"),
            **_EFFECT,
        },
        required=(*POSITION, "gene", "p", "type", "feature"),
        source_id=None,
        is_filtered=True,
    ),
    QtlLayout(
        name="qtl",
        wants="variant_id (or chrom, pos, ref, alt), gene_id, p_value (or neglog10_p, or "
        "p_value_mantissa and p_value_exponent); if known beta, se, feature, source_id, type_id",
        columns={
            "variant": ("variant_id", "variant"),
            "chrom": ("chrom", "chromosome", "chr"),
            "pos": ("pos", "position"),
            "ref": ("ref", "ref_allele", "other_allele"),
            "alt": ("alt", "alt_allele", "effect_allele"),
            "effect": ("effect_allele", "ea", "a1", "tested_allele", "assessed_allele"),
            "rsid": ("rsid", "rs_id"),
            "gene": ("gene_id",),
            "p": ("p_value", "pvalue", "p", "pval"),
            "neglog10_p": ("neglog10_p", "neglog10p", "neglog_pval", "mlog10p", "log10p"),
            "p_mantissa": ("p_value_mantissa", "pvaluemantissa", "pval_mantissa"),
            "p_exponent": ("p_value_exponent", "pvalueexponent", "pval_exponent"),
            "type": ("type_id",),
            "source": ("source_id",),
            "feature": ("feature", "tissue", "bio_feature", "biofeature", "cell_type", "celltype"),
            **_EFFECT,
        },
        required=("gene",),
        p_columns=(("p",), ("neglog10_p",), ("p_mantissa", "p_exponent")),
        source_id=None,
        type_id="qtl",
    ),
)
"""Every layout, the particular ones before the plain one."""
