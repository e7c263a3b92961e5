"""What is planted in the cohort: which genes, in which cell types, carried by what."""

from __future__ import annotations

from typing import Literal, NamedTuple

N_DONORS = 300
REGION_START, REGION_END = 29_700_001, 31_350_000

# Cells of a donor, on average; and the cell type of promoter capture that stands for each.
CELLS_OF_DONOR = {"B": 18, "CD8 T": 30, "monocyte": 14}
CAPTURE_CELL = {"B": "naive_b", "CD8 T": "total_cd8", "monocyte": "monocytes"}
CELL_TYPES = tuple(CELLS_OF_DONOR)

# Strand and biotype of the genes that follow those of the locus, written as there.
FURTHER_STRANDS = "+-+--+-++-+-+"
FURTHER_BIOTYPES = "plppppppppppl"


class RarePlan(NamedTuple):
    """A gene whose expression rare variants change.

    ``carried_by`` is ``coding`` (consequences in the gene's body) or ``distal`` (elements
    that promoter capture and open chromatin link to the gene); ``direction`` is that of the rare
    alleles, 0 for both.
    """

    gene_name: str
    cell_types: tuple[str, ...]
    carried_by: Literal["coding", "distal"]
    direction: Literal[-1, 0, 1]


class CommonPlan(NamedTuple):
    """A gene with a common variant that changes its expression; ``at_lead``: the locus' lead."""

    gene_name: str
    cell_types: tuple[str, ...]
    at_lead: bool


RARE_PLANS = (
    RarePlan("DEMO17", ("monocyte",), "distal", 1),
    RarePlan("DEMO22", ("monocyte",), "distal", 0),
    RarePlan("DEMO29", ("CD8 T",), "coding", -1),
    RarePlan("DEMO32", ("B",), "distal", -1),
    RarePlan("DEMO36", ("B", "CD8 T"), "coding", -1),
)
COMMON_PLANS = (
    CommonPlan("DEMO17", ("monocyte",), True),
    CommonPlan("DEMO6", ("B",), False),
    CommonPlan("DEMO30", CELL_TYPES, False),
)

# Genes whose eQTL changes the trait of the GWAS too: the z that the study is expected to reach.
TRAIT_PLANS = {"DEMO17": 10.0, "DEMO6": 8.0, "DEMO30": 9.0}

# Share of the donors' variance of log expression that a planted effect makes up.
RARE_SHARE = 0.5
COMMON_SHARE = 0.3


class RareEffect(NamedTuple):
    """A planted rare-variant effect: ``changes`` are in log expression, one a variant and copy."""

    gene_id: str
    gene_name: str
    cell_types: tuple[str, ...]
    carried_by: str
    direction: int
    variant_ids: tuple[str, ...]
    changes: tuple[float, ...]
    n_carriers: int


class CommonEffect(NamedTuple):
    """A planted eQTL: ``change`` is in log expression, of each copy."""

    gene_id: str
    gene_name: str
    cell_types: tuple[str, ...]
    variant_id: str
    change: float
