"""What a file format is to `varhouse load`: how it is recognised and how it is staged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb


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
        Of the header: a tab, a comma or a space; empty for parquet.
    """

    path: Path
    header: str
    columns: tuple[str, ...]
    suffix: str
    delimiter: str


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
    """

    build: str | None
    source_id: str | None
    feature: str | None = None
    strict: bool = False


@dataclass(frozen=True)
class Format:
    """One layout of input file and how it becomes rows of a raw table.

    Attributes
    ----------
    name
        What ``--format`` takes.
    kind
        What ``varhouse load`` takes: ``qtl``, ``intervals``, ...
    table
        Target, with its schema: ``raw.qtl``.
    matches
        Whether a sniffed file has this layout; cheap, reads the head of the file at most.
    stage
        Creates the temp table ``incoming``: the columns of ``table`` without ``load_id``, and
        ``line BIGINT`` (1-based line or record), ``reject VARCHAR`` (a code, NULL for a good row),
        ``note VARCHAR`` (a warning code, NULL for none; the row is kept). It may insert into the
        temp table ``incoming_issues(line, code, message, n, example)``, made empty by the caller,
        and raises `varhouse.errors.DataError` when the file as a whole cannot be used.
    genome_build
        Build of every file of this layout, where the layout implies it.
    wants
        What the layout looks like, for the message when no format fits.
    stated_build
        Reads the build that a file states about itself, None when it does not.
    """

    name: str
    kind: str
    table: str
    matches: Callable[[SourceFile], bool]
    stage: Callable[[duckdb.DuckDBPyConnection, SourceFile, LoadOptions], None]
    genome_build: str | None = None
    wants: str = ""
    stated_build: Callable[[SourceFile], str | None] | None = None
