"""Genotypes of BCF, the binary form of VCF, read by htslib through cyvcf2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from varhouse.errors import DataError, UsageError
from varhouse.ingest.format import Issue, LoadOptions, SourceFile
from varhouse.ingest.genotypes.block import (
    MISSING_CODE,
    GenotypeBlock,
    Wanted,
    block_from_codes,
    block_from_dense,
    block_size,
    kept_places,
)
from varhouse.ingest.genotypes.calls import (
    MAX_ALLELE,
    NO_ALLELE,
    LostCalls,
    allele_numbers,
    check_alleles,
    checked_dosages,
    copies,
    ploidy_not_supported,
)
from varhouse.ingest.genotypes.header import build_of_header
from varhouse.ingest.genotypes.text import SitesBuilder
from varhouse.ingest.reading import check_bgzf_end

if TYPE_CHECKING:
    from cyvcf2 import VCF, Variant

_Number = TypeVar("_Number", np.int16, np.float32)

_QUIET = 0
_MAX_PLOIDY = 2


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
        self._half_call = options.half_call
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
        self.sex: Sequence[int | None] | None = None
        self.n_records: int | None = None
        self.issues: list[Issue] = check_bgzf_end(self._path)
        self._lost = LostCalls()

    def blocks(self, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """See `varhouse.ingest.genotypes.block.GenotypeReader`."""
        vcf = open_bcf(self._source)
        if self._is_chosen_by_htslib:
            vcf.set_samples(list(self.samples))
        size = block_size(len(self.samples))
        rows, batch = SitesBuilder(), _Batch(len(self.samples))
        try:
            for number, variant in enumerate(self._variants(vcf), start=1):
                if rows.is_full(size, variant.CHROM, variant.POS):
                    yield from self._block(rows, batch, wanted)
                alts = variant.ALT or ["."]
                if len(alts) > MAX_ALLELE:
                    raise DataError(
                        f"{self._path}: record {number} has {len(alts)} alternative alleles; at "
                        f"most {MAX_ALLELE} are read."
                    )
                for alt in alts:
                    rows.add(number, variant.CHROM, variant.POS, variant.REF, alt, variant.ID)
                try:
                    batch.add(*self._decoded(variant, number, len(alts)))
                except DataError as error:
                    # nobody looks at the calls of a record that is left out
                    batch.add_fault(error, len(alts))
            if rows.n_rows:
                yield from self._block(rows, batch, wanted)
        finally:
            vcf.close()
        self.issues += self._lost.issues()

    def _variants(self, vcf: VCF) -> Iterator[Variant]:
        n_read = 0
        try:
            for variant in vcf:
                n_read += 1
                yield variant
        except DataError:
            raise
        except Exception as error:
            raise DataError(
                f"{self._path}: cannot be read after record {n_read}; the file is cut short or "
                "damaged."
            ) from error

    def _decoded(
        self, variant: Variant, number: int, n_alleles: int
    ) -> tuple[NDArray[np.int16] | None, int, NDArray[np.float32] | None]:
        """Return calls, the number of alleles, and dosages."""
        formats = variant.FORMAT
        dosages = None
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
        else:
            calls = None
        return calls, n_alleles, dosages

    def _of_kept(self, every: NDArray[_Number]) -> NDArray[_Number]:
        return every if self._columns is None else every[self._columns]

    def _block(self, rows: SitesBuilder, batch: _Batch, wanted: Wanted) -> Iterator[GenotypeBlock]:
        """Hand on what was collected and begin anew."""
        sites = rows.take()
        faults = batch.faults
        first, second, n_alleles, has_calls, dosages = batch.take()
        allele = allele_numbers(sites)
        place = np.repeat(np.arange(len(n_alleles)), n_alleles)
        records = sites.record[allele == 1]
        mask = wanted(sites)
        if not mask.any():
            return
        sites, allele, place = sites.take(mask), allele[mask], place[mask]
        for fault in sorted(faults.keys() & set(place.tolist())):
            raise faults[fault]
        called = np.unique(place)
        check_alleles(self._path, records[called], n_alleles[called], first[called], second[called])
        if self._half_call == "missing":
            self._lost.see_half_calls(records[called], first[called], second[called])
        counted = copies(first, second, place, allele, self._half_call)
        dense = None
        for row in range(len(sites)) if dosages else ():
            found = dosages.get(int(place[row]))
            if found is None:
                continue
            checked = checked_dosages(self._path, sites, row, found[:, allele[row] - 1])
            if has_calls[place[row]]:
                self._lost.see_dosages(int(sites.record[row]), counted[row], checked)
            else:
                if dense is None:
                    dense = counted.astype(np.float32)
                    dense[counted == MISSING_CODE] = np.nan
                dense[row] = checked
        yield block_from_codes(sites, counted) if dense is None else block_from_dense(sites, dense)


class _Batch:
    """Calls of the records of a block.

    Attributes
    ----------
    faults
        What is wrong with records that cannot be decoded, by their place in the block.
    """

    def __init__(self, n_samples: int) -> None:
        self._no_calls = np.zeros((n_samples, _MAX_PLOIDY), dtype=np.int16)
        self._clear()

    def _clear(self) -> None:
        self._calls: list[NDArray[np.int16]] = []
        self._n_alleles: list[int] = []
        self._has_calls: list[bool] = []
        self._dosages: dict[int, NDArray[np.float32]] = {}
        self.faults: dict[int, DataError] = {}

    def add_fault(self, fault: DataError, n_alleles: int) -> None:
        """Add a record that cannot be decoded."""
        self.faults[len(self._n_alleles)] = fault
        self.add(None, n_alleles, None)

    def add(
        self,
        calls: NDArray[np.int16] | None,
        n_alleles: int,
        dosages: NDArray[np.float32] | None,
    ) -> None:
        """Add a record, the first two columns of whose calls are alleles; else it has dosages."""
        if dosages is not None:
            self._dosages[len(self._n_alleles)] = dosages
        self._calls.append(self._no_calls if calls is None else calls[:, :_MAX_PLOIDY])
        self._n_alleles.append(n_alleles)
        self._has_calls.append(calls is not None)

    def take(
        self,
    ) -> tuple[
        NDArray[np.int8],
        NDArray[np.int8],
        NDArray[np.int64],
        NDArray[np.bool_],
        dict[int, NDArray[np.float32]],
    ]:
        """Return first and second alleles, numbers of alleles, which have calls, and dosages."""
        shape = (len(self._calls), len(self._no_calls))
        alleles = np.empty((_MAX_PLOIDY, *shape), dtype=np.int8)
        for place, calls in enumerate(self._calls):
            # a number that is too large to keep is larger than that of any allele
            np.minimum(calls.T, MAX_ALLELE + 1, out=alleles[:, place], casting="unsafe")
        taken = (
            alleles[0],
            alleles[1],
            np.array(self._n_alleles, dtype=np.int64),
            np.array(self._has_calls, dtype=np.bool_),
            self._dosages,
        )
        self._clear()
        return taken
