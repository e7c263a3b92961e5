"""Genotypes of BCF, the binary form of VCF, read by htslib through cyvcf2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError, UsageError
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.block import (
    GenotypeBlock,
    Sites,
    Wanted,
    block_size,
    kept_places,
)
from varhouse.ingest.genotypes.calls import (
    MAX_ALLELE,
    NO_ALLELE,
    CallReader,
    Calls,
    allele_numbers,
    ploidy_not_supported,
)
from varhouse.ingest.genotypes.header import build_of_header
from varhouse.ingest.genotypes.text import record_batches
from varhouse.ingest.reading import check_bgzf_end

if TYPE_CHECKING:
    from cyvcf2 import VCF, Variant

_Number = TypeVar("_Number", np.int16, np.float32)

_QUIET = 0
_MAX_PLOIDY = 2


class _Record(NamedTuple):
    """A record with calls, whose first two columns are alleles, or dosages by allele, or both.

    Where they cannot be decoded there is a fault, which matters only if the record is wanted.
    """

    number: int
    chrom: str
    pos: int
    ref: str
    alts: Sequence[str]
    name: str | None
    calls: NDArray[np.int16] | None
    dosages: NDArray[np.float32] | None
    fault: DataError | None


def open_bcf(source: SourceFile) -> VCF:
    """Open a BCF file.

    Raises
    ------
    UsageError
        cyvcf2 is not installed.
    DataError
        The header cannot be read.
    """
    try:
        from cyvcf2 import VCF
        from cyvcf2.cyvcf2 import set_htslib_log_level
    except ImportError as error:
        raise UsageError(
            "reading BCF needs cyvcf2: pip install 'varhouse[genotypes]', or convert to VCF with "
            "bcftools view."
        ) from error
    # what htslib would write to stderr is in our messages
    set_htslib_log_level(_QUIET)
    try:
        return VCF(str(source.path))
    except Exception as error:
        raise DataError(f"{source.path}: the header of the BCF file cannot be read.") from error


def build_of_bcf(source: SourceFile) -> str | None:
    """Return the genome build that the header states, or None."""
    vcf = open_bcf(source)
    try:
        return build_of_header(vcf.raw_header.splitlines())
    finally:
        vcf.close()


class BcfReader:
    """See `varhouse.ingest.genotypes.block.GenotypeReader`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: SourceFile,
        options: LoadOptions,
        keep: frozenset[str] | None,
    ) -> None:
        self._source = source
        self._path = source.path
        vcf = open_bcf(source)
        ids = list(vcf.samples)
        vcf.close()
        self._kept = kept_places(self._path, ids, keep)
        self.samples: Sequence[str] = [ids[place] for place in self._kept]
        # htslib takes the samples as one text, where some names would be read as something else
        is_part = len(self._kept) < len(ids)
        self._is_chosen_by_htslib = is_part and not any(
            "," in name or name.startswith(("^", "-")) for name in self.samples
        )
        self._columns = self._kept if is_part and not self._is_chosen_by_htslib else None
        self.sex: Sequence[int | None] = [None] * len(self.samples)
        self.n_records: int | None = None
        self.issues: list[Issue] = check_bgzf_end(self._path)
        self._calls = CallReader(self._path, options.half_call)

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """See `varhouse.ingest.genotypes.block.GenotypeReader`."""
        vcf = open_bcf(self._source)
        if self._is_chosen_by_htslib:
            vcf.set_samples(list(self.samples))
        try:
            for batch in record_batches(self._records(vcf), block_size(len(self.samples))):
                sites = Sites.of_rows(
                    (each.number, each.chrom, each.pos, each.ref, ",".join(each.alts), each.name)
                    for each in batch
                ).by_allele()
                mask = wanted(sites)
                if mask.any():
                    yield self._block(sites.take(mask), allele_numbers(sites)[mask], batch)
        finally:
            vcf.close()
        self.issues += self._calls.issues()

    def _records(self, vcf: VCF) -> Iterator[_Record]:
        for number, variant in enumerate(self._variants(vcf), start=1):
            alts = variant.ALT or ["."]
            if len(alts) > MAX_ALLELE:
                raise DataError(
                    f"{self._path}: record {number} has {len(alts)} alternative alleles; at "
                    f"most {MAX_ALLELE} are read."
                )
            calls = dosages = fault = None
            try:
                calls, dosages = self._decoded(variant, number, len(alts))
            except DataError as error:
                fault = error
            yield _Record(
                number, variant.CHROM, variant.POS, variant.REF, alts, variant.ID,
                calls, dosages, fault,
            )  # fmt: skip

    def _variants(self, vcf: VCF) -> Iterator[Variant]:
        n_read = 0
        try:
            for variant in vcf:
                n_read += 1
                yield variant
        except Exception as error:
            raise DataError(
                f"{self._path}: cannot be read after record {n_read}; the file is cut short or "
                "damaged."
            ) from error

    def _decoded(
        self, variant: Variant, number: int, n_alleles: int
    ) -> tuple[NDArray[np.int16] | None, NDArray[np.float32] | None]:
        """Return calls and dosages."""
        formats = variant.FORMAT
        calls = dosages = None
        if "DS" in formats:
            dosages = self._of_kept(variant.format("DS"))
            is_number = dosages.dtype.kind == "f"
            # one missing value may stand for those of all alleles
            if is_number and dosages.shape[1] == 1 and np.isnan(dosages).all():
                dosages = np.repeat(dosages, n_alleles, axis=1)
            if not is_number or dosages.shape[1] != n_alleles:
                raise DataError(
                    f"{self._path}: DS of record {number} is not one number for each of "
                    f"{n_alleles} alternative alleles."
                )
        if "GT" in formats:
            calls = self._of_kept(variant.genotype.array())
            ploidy = calls.shape[1] - 1
            if ploidy > _MAX_PLOIDY and (calls[:, _MAX_PLOIDY:ploidy] != NO_ALLELE).any():
                raise ploidy_not_supported(self._path, number, ploidy)
            if ploidy < _MAX_PLOIDY:
                # the last column is the phase
                calls[:, 1] = NO_ALLELE
        elif dosages is None:
            raise DataError(f"{self._path}: record {number} has neither GT nor DS.")
        return calls, dosages

    def _of_kept(self, every: NDArray[_Number]) -> NDArray[_Number]:
        return every if self._columns is None else every[self._columns]

    def _block(
        self, sites: Sites, allele: NDArray[np.int64], batch: Sequence[_Record]
    ) -> GenotypeBlock:
        numbers = set(sites.record.tolist())
        records = {each.number: each for each in batch if each.number in numbers}
        for record in records.values():
            if record.fault is not None:
                raise record.fault
        called = [
            (number, len(record.alts), record.calls)
            for number, record in records.items()
            if record.calls is not None
        ]
        alleles = np.empty((_MAX_PLOIDY, len(called), len(self.samples)), dtype=np.int8)
        for place, (_, _, each) in enumerate(called):
            # a number that is too large to keep is larger than that of any allele
            pairs = each[:, :_MAX_PLOIDY].T
            np.minimum(pairs, MAX_ALLELE + 1, out=alleles[:, place], casting="unsafe")
        calls = Calls(
            records=np.array([number for number, _, _ in called], dtype=np.int64),
            n_alleles=np.array([n_alleles for _, n_alleles, _ in called], dtype=np.int64),
            first=alleles[0],
            second=alleles[1],
        )
        dosages = {
            row: given[:, allele[row] - 1]
            for row, number in enumerate(sites.record.tolist())
            if (given := records[number].dosages) is not None
        }
        return self._calls.block(sites, allele, calls, dosages)
