"""What a file format is to `varhouse load`: how it is recognised and how it is staged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypedDict

import duckdb

from varhouse.ingest.codes import message_of

Binary = Literal["", "plink-bed", "plink-pgen", "bgen", "bcf", "hdf5"]


@dataclass(frozen=True)
class SourceFile:
    """A file as sniffed, before anything of it is loaded.

    Attributes
    ----------
    path
        Where it is.
    header
        First line that is not blank, without its line end; empty for parquet and empty files.
    columns
        Names of the parquet schema, or ``header`` split by ``delimiter``.
    suffix
        Lower-case, with its dot, compression suffixes left out: ``.tsv`` for ``x.tsv.gz``.
    delimiter
        Of the header: a tab, a comma or a space; empty for parquet and binary files.
    binary
        What a binary file is by its first bytes; empty for text and parquet.
    """

    path: Path
    header: str
    columns: tuple[str, ...]
    suffix: str
    delimiter: str
    binary: Binary = ""

    @property
    def is_quoted(self) -> bool:
        """Whether the header's names stand in quotes, and so the texts below, as R writes them."""
        return self.header.startswith('"')


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What the user said about the files of one load.

    Attributes
    ----------
    build
        Genome build in our spelling, ``GRCh37`` or ``GRCh38``; None when nobody says it.
    source_id
        Source to record on rows whose file does not name one.
    feature
        Tissue or cell type to record on rows whose file does not name one.
    strict
        Whether the first rejected or doubtful row refuses the file.
    regions
        Keep variants in one of these only: ``22``, ``22:1000-2000`` (1-based, both ends).
    samples
        File of the sample ids to keep, one a line.
    min_maf, max_maf
        Keep variants with min_maf <= minor allele frequency < max_maf among the kept samples.
    allele_order
        Which allele of a file without stated orientation is the reference.
    sample_file
        Sample ids of a BGEN file that has none of its own.
    half_call
        What a call with one allele missing (``./1``) is.
    on_duplicate
        What to do when a variant, or an annotated pair, occurs twice with different content.
    csq_fields
        Names of the fields of INFO/CSQ, ``|`` between them, for a VCF that does not declare them.
    layer
        Where the counts of an h5ad file are: ``X``, ``raw`` or a name in ``layers``.
    donor_column, cell_type_column
        Columns of ``obs`` that say whose a cell is and of which type.
    normalise_twice
        Whether the values of an h5ad file are normalised and logged a second time.
    id_map
        Tab-separated file of two columns: a donor id as the file spells it, and as it should be.
    """

    build: str | None
    source_id: str | None
    feature: str | None = None
    strict: bool = False
    regions: Sequence[str] = ()
    samples: Path | None = None
    min_maf: float | None = None
    max_maf: float | None = None
    allele_order: Literal["ref-first", "ref-last"] | None = None
    sample_file: Path | None = None
    half_call: Literal["missing", "reference", "haploid"] = "missing"
    on_duplicate: Literal["error", "first", "merge"] = "error"
    csq_fields: str | None = None
    layer: str | None = None
    donor_column: str | None = None
    cell_type_column: str | None = None
    normalise_twice: bool = False
    id_map: Path | None = None


class KindOptions(TypedDict, total=False):
    """The fields of `LoadOptions` that only some kinds heed; see there."""

    feature: str | None
    regions: Sequence[str]
    samples: Path | None
    min_maf: float | None
    max_maf: float | None
    allele_order: Literal["ref-first", "ref-last"] | None
    sample_file: Path | None
    half_call: Literal["missing", "reference", "haploid"]
    on_duplicate: Literal["error", "first", "merge"]
    csq_fields: str | None
    layer: str | None
    donor_column: str | None
    cell_type_column: str | None
    normalise_twice: bool
    id_map: Path | None


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Rows of a file with one and the same fault.

    Attributes
    ----------
    line
        Line or record of the first; None where it is the file.
    code, message
        The reason, as one word and in words; the words are those of
        `varhouse.ingest.codes.message_of` where none are given.
    n
        Number of rows.
    example
        Key columns of the first; nothing that says anything about a person.
    is_reject
        Whether the rows were left out.
    """

    line: int | None = None
    code: str
    message: str = ""
    n: int
    example: str | None = None
    is_reject: bool

    def __post_init__(self) -> None:
        if not self.message:
            object.__setattr__(self, "message", message_of(self.code))


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a format that fills its tables by itself did with a file.

    Attributes
    ----------
    n_read
        Records of the file, in its own unit (variants, cells, ...).
    n_loaded
        How many of them came in; a record may become several rows.
    issues
        Rejected and doubtful records.
    """

    n_read: int
    n_loaded: int
    issues: Sequence[Issue] = ()


Say = Callable[[str], None]
"""Told in a line of text what is being done."""

LoadFile = Callable[[duckdb.DuckDBPyConnection, SourceFile, LoadOptions, int, Say], Loaded]
"""Loads a file: connection, file, options, the id of the load, somebody to tell of progress."""


@dataclass(frozen=True)
class Format:
    """One layout of input file and how it becomes rows of a raw table.

    Exactly one of ``stage`` and ``load`` is given.

    Attributes
    ----------
    name
        What ``--format`` takes.
    table
        Target, with its schema: ``raw.qtl``.
    matches
        Whether a sniffed file has this layout; cheap, reads the head of the file at most.
    wants
        What the layout looks like, for the message when no format fits.
    stage
        Creates the temp table ``incoming``: the columns of ``table`` without ``load_id``, and
        ``line BIGINT`` (1-based line or record), ``reject VARCHAR`` (a code, NULL for a good row),
        ``note VARCHAR`` (a warning code, NULL for none; the row is kept). It may insert into the
        temp table ``incoming_issues(line, code, message, n, example)``, made empty by the caller,
        and raises `varhouse.errors.DataError` when the file as a whole cannot be used.
    load
        Fills its raw tables by itself, inside the transaction that is open: for what does not fit
        through one staged table. Raises like ``stage``. Verifies compressed content itself.
    companions
        Returns the other files that the file is incomplete without (``.bim`` and ``.fam`` of a
        ``.bed``), or raises `varhouse.errors.DataError` when one is absent.
    genome_build
        Build of every file of this layout, where the layout implies it.
    stated_build
        Reads the build that a file states about itself, None when it does not.
    """

    name: str
    table: str
    matches: Callable[[SourceFile], bool]
    wants: str
    stage: Callable[[duckdb.DuckDBPyConnection, SourceFile, LoadOptions], None] | None = None
    load: LoadFile | None = None
    companions: Callable[[SourceFile], Sequence[Path]] | None = None
    genome_build: str | None = None
    stated_build: Callable[[SourceFile], str | None] | None = None


class _Layout(Protocol):
    """One of several ways in which files of a kind name their columns."""

    def fits(self, source: SourceFile) -> bool: ...


def is_first_fit(layouts: Sequence[_Layout], layout: _Layout, source: SourceFile) -> bool:
    """Return whether a layout is the first of its kind's that fits: particular ones come first."""
    return not source.binary and next((one for one in layouts if one.fits(source)), None) is layout
