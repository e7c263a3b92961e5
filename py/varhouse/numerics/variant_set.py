"""What is tested: variants of a set, their weights, and the phenotypes to test them for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]


class VariantSet(NamedTuple):
    """Variants that are tested together.

    Attributes
    ----------
    variants
        Shape (m,): places in the block's genotype matrix, each once.
    weights
        Shape (m, a): NaN leaves a variant out of the test under that weight.
    phenotypes
        Shape (t,): columns of the null model's residuals.
    """

    variants: Int
    weights: Float
    phenotypes: Int

    def only(self, kept: Bool) -> VariantSet:
        """Return the set of some of its variants; ``kept`` has shape (m,)."""
        if kept.all():
            return self
        return VariantSet(self.variants[kept], self.weights[kept], self.phenotypes)
