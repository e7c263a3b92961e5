"""SKAT-O's laws of all rho on one path: what depends on the eigenvalues is computed once.

With L(z) = r(z) - 2 z theta (`varhouse.numerics.skat_o`), the integrands of two rho differ by the
factor sqrt(L_1(z) / L_2(z)), and another threshold multiplies them by exp(-z (q_2 - q_1)). But in
the far tail the nodes of one path serve all of them; where halving the step says otherwise, a law
gets a path of its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from varhouse.numerics.mixture import moved_tails
from varhouse.numerics.skat_o_laws import Grid, quantile_moves
from varhouse.numerics.tails import log_complement

Float = npt.NDArray[np.float64]

_SHARED_ERROR = 1e-12
# what turns faster, the nodes of the coarser rule may take for something slower
_MAX_TURN = 5.0
_NOT_SMALL = np.log(1e-3)
# the law whose path serves most others: the widest but one
_BASE = 4


class CommonPath:
    """The path of one law of a grid near its mean, for all of them.

    It crosses the real axis left of 0, where no law's domain ends.

    Parameters
    ----------
    q
        Shape (b,): a threshold for each law of the grid.
    """

    def __init__(self, grid: Grid, q: Float) -> None:
        self._grid, self._q = grid, q
        base = grid.take(np.array([_BASE]))
        self._q_of_path = np.clip(q[_BASE], 0.25 * base.mean, base.mean)
        c = self._c = base.saddle_point(self._q_of_path, -np.ones(1))
        path, ratio, height = base.path(self._q_of_path, c)
        z, values = path.nodes(ratio)
        self._move, self._unit = z - c, path.unit[0]
        # from the law of the path to the others
        r, r_at_c = grid.kernel.complex(z)[1], grid.kernel.real(c)[1][0]
        level = r - 2.0 * z * grid.theta[:, None]
        level_at_c = r_at_c - 2.0 * c * grid.theta
        share = level_at_c / (r_at_c - 2.0 * c * base.theta)
        own = r - 2.0 * z * base.theta
        size = np.sqrt(np.abs(own / level) * share[:, None])
        self._values = values * size * np.exp(0.5j * (np.angle(own) - np.angle(level)))
        self._height = height - 0.5 * np.log(share)

    def log_tails(self) -> tuple[Float, Float]:
        """Return log p of each law above its threshold, and the smaller tail's error."""
        further = self._q - self._q_of_path
        upper, _, error = moved_tails(
            self._values, -self._move * further[:, None], self._height - self._c * further,
            self._unit * np.abs(further), above=False,
        )  # fmt: skip
        own = np.flatnonzero(~(error < _SHARED_ERROR))
        if own.size:
            upper[own], _, error[own] = self._grid.take(own).log_tails(self._q[own])
        return upper, error

    def isf(self, target: float) -> Float:
        """Return the thresholds of which each law's log p is the target."""
        found = np.empty(self._q.size)
        good = np.zeros(found.size, dtype=bool)
        # of a lower tail that is almost 1 the upper one is a small difference
        if target > _NOT_SMALL:
            limit = np.full(found.size, _MAX_TURN / self._unit)
            moves = quantile_moves(
                self._values, self._move, self._c, self._height, float(log_complement(target)),
                self._q - self._q_of_path, np.maximum(-limit, -0.9 * self._q_of_path), limit,
            )  # fmt: skip
            found = self._q_of_path + moves.change
            error = moves.roughness**2 + moves.left_out
            good = moves.is_solved & (error < _SHARED_ERROR)
        own = np.flatnonzero(~good)
        if own.size:
            found[own] = self._grid.take(own).isf(target)
        return found
