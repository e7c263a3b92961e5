"""Expression of a gene in a cell type by the genotype of a variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np

from varhouse.ask.names import find_gene, query_rows
from varhouse.ask.rare_variants import require_cell_types
from varhouse.errors import DataError, UsageError
from varhouse.plot.canvas import BLUE, connection, fresh_axes, headline, open_frame
from varhouse.plot.variants import one_variant, rsid_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varhouse.connection import Warehouse

_SIZE = (4.8, 4.4)
_WHISKERS = (5, 95)

# A genotyped donor without a row has 0 copies; one with NULL has no call. A table of expression may
# hold sums only.
_VALUES = """
with calls as (
    select genotypes.donor_idx, genotypes.dosage
    from genotypes
    inner join raw.variants on genotypes.variant_idx = variants.variant_idx
    where variants.variant_id = $variant
)

select
    case when calls.donor_idx is null then 0 else cast(round(calls.dosage) as integer) end
    as copies,
    list(coalesce(pseudobulk.mean, pseudobulk.sum)) as expression
from pseudobulk
inner join donors on pseudobulk.donor_id = donors.donor_id
left join calls on donors.donor_idx = calls.donor_idx
where
    pseudobulk.gene_id = $gene
    and pseudobulk.cell_type = $cell_type
    and donors.is_genotyped
    and (calls.donor_idx is null or calls.dosage is not null)
    and coalesce(pseudobulk.mean, pseudobulk.sum) is not null
group by copies
"""


class GenotypeClass(NamedTuple):
    """Donors with these numbers of copies, and their expression."""

    copies: tuple[int, ...]
    values: list[float]


def expression(
    con: duckdb.DuckDBPyConnection | Warehouse,
    variant: str,
    gene: str,
    cell_type: str,
    *,
    min_donors: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw boxes of a gene's expression by copies of the alternative allele.

    Parameters
    ----------
    con
        An open warehouse, or its connection.
    variant
        A variant id, or an rsID of one allele.
    gene
        An id or a symbol.
    cell_type
        The cell type.
    min_donors
        Classes of fewer donors are merged with their neighbour; one that is still smaller is not
        drawn.
    ax
        Axes to draw into; a new figure when None.

    Returns
    -------
    matplotlib.axes.Axes
        Boxes hold the middle half, whiskers reach from the 5th to the 95th percentile. No donor
        is drawn as a point: a figure may be shown to others.

    Raises
    ------
    UsageError
        ``min_donors`` is below 1, the rsID has several alleles, or matplotlib is missing.
    DataError
        No such variant, gene or cell type, no genotypes, or every class is too small.

    Examples
    --------
    >>> import varhouse
    >>> from varhouse.plot import expression
    >>> house = varhouse.connect("varhouse.duckdb")  # doctest: +SKIP
    >>> expression(house, "rs1421085", "FTO", "B")  # doctest: +SKIP
    """
    if min_donors < 1:
        raise UsageError(f"min_donors: found {min_donors}, wanted at least 1.")
    connected = connection(con)
    variant_id = one_variant(connected, variant)
    found = find_gene(connected, gene)
    values = _values(connected, variant_id, found.gene_id, cell_type)
    classes = merge_classes(values, min_donors)
    shown = [one for one in classes if len(one.values) >= min_donors]
    if not shown:
        raise DataError(f"{variant}: every class of genotypes has fewer than {min_donors} donors.")
    axes = fresh_axes(*_SIZE) if ax is None else ax
    axes.bxp(
        [_box(one.values) for one in shown],
        showfliers=False,
        widths=0.5,
        patch_artist=True,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": BLUE},
        medianprops={"color": "black", "linewidth": 1.6},
        whiskerprops={"color": BLUE},
        capprops={"color": BLUE},
    )
    ref, alt = variant_id.split("_")[2:4]
    axes.set_xticks(
        range(1, len(shown) + 1),
        [f"{_copies(one.copies, ref, alt)}\nn = {len(one.values)}" for one in shown],
    )
    label = found.gene_name or found.gene_id
    axes.set_xlabel(f"copies of {_short(alt)} at {rsid_of(connected, variant_id) or variant_id}")
    axes.set_ylabel(f"expression of {label}")
    open_frame(axes)
    hidden = len(classes) - len(shown)
    note = "boxes: middle half; whiskers: 5th to 95th percentile"
    if hidden:
        noun = "class" if hidden == 1 else "classes"
        note += f"\n{hidden} {noun} of fewer than {min_donors} donors not drawn"
    headline(axes, f"{label} in {cell_type}", note)
    return axes


def merge_classes(values: dict[int, list[float]], min_donors: int) -> list[GenotypeClass]:
    """Merge classes of fewer than ``min_donors`` donors with the next lower number of copies.

    Carriers are only merged with carriers: donors without a copy stay by themselves.
    """
    merged: list[GenotypeClass] = []
    waiting = GenotypeClass((), [])
    for copies in sorted(values, reverse=True):
        both = GenotypeClass((copies, *waiting.copies), values[copies] + waiting.values)
        if copies == 0:
            if waiting.copies:
                merged.append(waiting)
            merged.append(GenotypeClass((0,), values[0]))
            waiting = GenotypeClass((), [])
        elif len(both.values) >= min_donors:
            merged.append(both)
            waiting = GenotypeClass((), [])
        else:
            waiting = both
    if waiting.copies:
        merged.append(waiting)
    return merged[::-1]


def _box(values: list[float]) -> dict[str, float]:
    """Return percentiles between donors, where matplotlib would end whiskers at one of them."""
    low, q1, median, q3, high = np.percentile(values, [_WHISKERS[0], 25, 50, 75, _WHISKERS[1]])
    return {"whislo": low, "q1": q1, "med": median, "q3": q3, "whishi": high}


def _values(
    con: duckdb.DuckDBPyConnection, variant_id: str, gene_id: str, cell_type: str
) -> dict[int, list[float]]:
    require_cell_types(con, [cell_type])
    if not query_rows(
        con,
        "select 1 from raw.variants where variant_id = ? and genotype_load_id is not null",
        [variant_id],
    ):
        raise DataError(f"{variant_id}: has no genotypes. Try `varhouse load genotypes FILE`.")
    rows = query_rows(
        con, _VALUES, {"variant": variant_id, "gene": gene_id, "cell_type": cell_type}
    )
    if not rows:
        raise DataError(f"{gene_id} in {cell_type}: no genotyped donor has expression of it.")
    return dict(rows)


def _copies(copies: tuple[int, ...], ref: str, alt: str) -> str:
    text = " or ".join(map(str, copies))
    if len(ref) == len(alt) == 1 and len(copies) == 1 and copies[0] in (0, 1, 2):
        text += f" ({(ref + ref, ref + alt, alt + alt)[copies[0]]})"
    return text


def _short(allele: str) -> str:
    return allele if len(allele) <= 8 else f"{allele[:6]}… ({len(allele)} bases)"
