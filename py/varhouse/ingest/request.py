"""What a load asks for: kind, format, genome build; refused where it does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import duckdb

from varhouse.errors import DataError, UsageError
from varhouse.ingest.builds import normalised_build
from varhouse.ingest.format import Format, KindOptions, SourceFile
from varhouse.ingest.kinds import KINDS, Kind
from varhouse.ingest.reading import build_of_contigs, check_file, header_hint, shown_names


def check_request(
    kind: str,
    files: Sequence[Path],
    *,
    build: str | None,
    format: str | None,
    source_id: str | None = None,
    **special: Unpack[KindOptions],
) -> None:
    """Refuse what is wrong with a request whatever the files hold; needs no warehouse.

    Raises
    ------
    UsageError
        Unknown kind, format or build; an option that the kind does not heed, or a region that is
        none; no files, or one that does not exist.
    """
    if kind not in KINDS:
        raise UsageError(f"cannot load {kind!r}; kinds are {', '.join(KINDS)}.")
    if not files:
        raise UsageError(f"load {kind}: no files given.")
    given = {
        name
        for name, value in {"source_id": source_id, **special}.items()
        if value not in (None, ())
    }
    for name in sorted(given - KINDS[kind].options):
        heeding = ", ".join(other.name for other in KINDS.values() if name in other.options)
        raise UsageError(f"{flag_of(name)}: not an option of load {kind}, but of {heeding}.")
    if build is not None:
        normalised_build(build)
    _check_regions(special.get("regions", ()))
    known = [layout.name for layout in KINDS[kind].formats()]
    if format is not None and format not in known:
        raise UsageError(
            f"--format {format}: not a format of {kind}; known are {', '.join(known)}."
        )
    for path in files:
        check_file(path)


def _check_regions(regions: Sequence[str]) -> None:
    if regions:
        # not at the top: no other kind needs what reads genotypes
        from varhouse.ingest.genotypes.filters import regions_sql

        with duckdb.connect() as con:
            regions_sql(con, regions)


# Options whose flag is not their name.
_FLAGS = {
    "source_id": "--source", "allele_order": "--ref-first/--ref-last", "regions": "--region",
}  # fmt: skip


def flag_of(name: str) -> str:
    """Return how an option is spelt on the command line."""
    return _FLAGS.get(name, "--" + name.replace("_", "-"))


def find_format(kind: Kind, source: SourceFile, name: str | None) -> Format:
    """Return the format of this name or, without one, the one that fits the file.

    Raises
    ------
    DataError
        None fits, or several do.
    """
    formats = kind.formats()
    if name is not None:
        return next(candidate for candidate in formats if candidate.name == name)
    fitting = [candidate for candidate in formats if candidate.matches(source)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(candidate.name for candidate in fitting)
        raise DataError(f"{source.path}: could be {names}; say which with --format.")
    known = "\n".join(f"  {layout.name}: {layout.wants}" for layout in formats)
    looks = (
        f"it is a binary file ({source.binary})"
        if source.binary
        else f"its first line has {shown_names(source.columns)}"
    )
    raise DataError(
        f"{source.path}: not a known format of {kind.name}; {looks}.{header_hint(source)}\n"
        f"Formats of {kind.name} (name one with --format to see what is amiss):\n{known}"
    )


def build_of(kind: Kind, source: SourceFile, layout: Format, stated: str | None) -> str | None:
    """Return the genome build of a file: as stated, as it says itself, or as its format implies.

    Raises
    ------
    DataError
        These differ, or nothing tells it.
    """
    if not kind.needs_build:
        return None
    in_file = layout.stated_build(source) if layout.stated_build else None
    in_file = in_file or build_of_contigs(source)
    implied = in_file or layout.genome_build
    if stated and implied and stated != implied:
        says = "the file itself says" if in_file else f"format {layout.name} is on"
        raise DataError(
            f"{source.path}: --build {stated}, but {says} {implied}. Give the build of the file; "
            "positions are not lifted over."
        )
    build = stated or implied
    if build is None:
        raise DataError(
            f"{source.path}: its genome build is not known; give --build GRCh37 or --build GRCh38."
        )
    return build


def check_build(con: duckdb.DuckDBPyConnection, source: SourceFile, build: str | None) -> None:
    """Refuse a file on another build than that of the warehouse.

    Raises
    ------
    DataError
        The warehouse is on the other build.
    """
    if build is None:
        return
    other = con.execute(
        "select genome_build, file from load_manifest "
        "where genome_build <> ? order by load_id limit 1",
        [build],
    ).fetchone()
    if other:
        raise DataError(
            f"{source.path}: on {build}, but this warehouse is on {other[0]} (since {other[1]} was "
            "loaded). Builds are never mixed: lift the file over, or use another --db."
        )
