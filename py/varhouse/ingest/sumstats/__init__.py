"""Summary statistics of association studies: any usual dialect into raw.sumstats.

The effect allele is always the alternative one. Which allele is the reference is told by the
variant index, where it knows the variant, else by the file; a file that does not say is taken to
have the reference as its other allele, and the rows say so.
"""

from varhouse.ingest.sumstats.formats import FORMATS

__all__ = ["FORMATS"]
