"""Figures of what the warehouse holds; every function returns the matplotlib Axes it drew into.

matplotlib is an extra (``pip install 'varhouse[viz]'``) and is imported when the first figure is
drawn. Data are thinned inside DuckDB: 10 million points need no more memory here than ten thousand.
"""

from __future__ import annotations

from varhouse.plot.burden_heatmap import burden_heatmap
from varhouse.plot.expression import expression
from varhouse.plot.gene_tests import GeneTests
from varhouse.plot.locus import locus
from varhouse.plot.manhattan import manhattan
from varhouse.plot.qq import qq
from varhouse.plot.v2g_heatmap import v2g_heatmap
from varhouse.plot.volcano import volcano
from varhouse.plot.weights import weights

__all__ = [
    "GeneTests",
    "burden_heatmap",
    "expression",
    "locus",
    "manhattan",
    "qq",
    "v2g_heatmap",
    "volcano",
    "weights",
]
