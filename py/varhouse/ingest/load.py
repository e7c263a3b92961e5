"""`varhouse load`: files of one kind into its raw table, all of them or none."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from varhouse import __version__
from varhouse.errors import DataError, UsageError
from varhouse.ingest.builds import chromosome_end_sql, normalised_build
from varhouse.ingest.codes import EXPECTED_CODES, message_of
from varhouse.ingest.format import Format, LoadOptions, SourceFile
from varhouse.ingest.keys import text_literal
from varhouse.ingest.reading import check_compression, check_file, quoted_name, sha256_of, sniff

Status = Literal["loaded", "already loaded", "dry run"]


@dataclass(frozen=True)
class Kind:
    """A kind of file that ``varhouse load`` takes.

    Attributes
    ----------
    module
        Holds ``FORMATS``, a tuple of `Format`, and ``store`` when ``own_store`` is set.
    needs_build
        Whether the rows have positions, which mean nothing without a genome build.
    own_store
        Whether rows are merged with the table instead of appended to it.
    replaces
        Whether a load takes the place of the one before.
    """

    name: str
    module: str
    needs_build: bool = True
    own_store: bool = False
    replaces: bool = False

    def formats(self) -> tuple[Format, ...]:
        """Return every layout of file known for this kind."""
        found: tuple[Format, ...] = importlib.import_module(self.module).FORMATS
        return found


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("evidence", "varhouse.ingest.evidence"),
        Kind("qtl", "varhouse.ingest.qtl"),
        Kind("intervals", "varhouse.ingest.intervals"),
        Kind("vep", "varhouse.ingest.vep"),
        Kind("variants", "varhouse.ingest.variants", own_store=True),
        Kind("genes", "varhouse.ingest.genes", own_store=True),
        Kind("tags", "varhouse.ingest.tags"),
        Kind("weights", "varhouse.ingest.weights", needs_build=False, replaces=True),
    )
}


@dataclass(frozen=True)
class LoadReport:
    """What became of one file.

    Attributes
    ----------
    load_id
        Row of ``load_manifest``; of the earlier load when the file was already loaded.
    rejected
        Rows left out, by reason.
    notes
        Rows kept with a warning, and warnings about the file, by code.
    """

    file: str
    kind: str
    format: str
    genome_build: str | None
    status: Status
    load_id: int
    sha256: str
    n_read: int = 0
    n_loaded: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def n_rejected(self) -> int:
        """Rows left out, for whatever reason."""
        return sum(self.rejected.values())


@dataclass(frozen=True)
class _Issue:
    line: int | None
    code: str
    message: str
    n: int
    example: str | None
    is_reject: bool


def load_files(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    files: Sequence[Path],
    *,
    build: str | None,
    source_id: str | None,
    format: str | None,
    feature: str | None = None,
    strict: bool = False,
    dry_run: bool = False,
    progress: Callable[[str], None] | None = None,
) -> list[LoadReport]:
    """Load files into the raw table of their kind, in one transaction.

    A file that was loaded before (same bytes, same kind) is left alone. Rows that cannot be taken
    are counted by reason in ``load_manifest`` and described in ``load_issues``.

    Parameters
    ----------
    con
        A writable warehouse that is not in a transaction.
    kind
        One of `KINDS`.
    build
        Genome build of the files, in any usual spelling; may be None where the format says it.
    source_id, feature
        For rows whose file does not name one.
    format
        Name of the layout; None to recognise it.
    strict
        Refuse the files at the first rejected or doubtful row.
    dry_run
        Do everything, then roll back.
    progress
        Called with a line of text before each step.

    Returns
    -------
    list of LoadReport
        One for each file, in their order.

    Raises
    ------
    UsageError
        Unknown kind, format or build; no such file.
    DataError
        A file cannot be used; nothing of any file was loaded.
    """
    check_request(kind, files, build=build, format=format)
    chosen = KINDS[kind]
    stated = normalised_build(build) if build else None
    sources = [sniff(path) for path in files]
    con.begin()
    try:
        reports = []
        for source in sources:
            layout = _find_format(chosen, source, format)
            options = LoadOptions(
                build=_build_of(chosen, source, layout, stated),
                source_id=source_id,
                feature=feature,
                strict=strict,
            )
            reports.append(_load_file(con, chosen, source, layout, options, dry_run, progress))
    except BaseException:
        # After some errors DuckDB has ended the transaction by itself; the first error is the news.
        with suppress(duckdb.Error):
            con.rollback()
        raise
    if dry_run:
        con.rollback()
    else:
        con.commit()
    return reports


def check_request(
    kind: str, files: Sequence[Path], *, build: str | None, format: str | None
) -> None:
    """Refuse what is wrong with a request whatever the files hold; needs no warehouse.

    Raises
    ------
    UsageError
        Unknown kind, format or build; no files, or one that does not exist.
    """
    if kind not in KINDS:
        raise UsageError(f"cannot load {kind!r}; kinds are {', '.join(KINDS)}.")
    if not files:
        raise UsageError(f"load {kind}: no files given.")
    if build is not None:
        normalised_build(build)
    known = [layout.name for layout in KINDS[kind].formats()]
    if format is not None and format not in known:
        raise UsageError(
            f"--format {format}: not a format of {kind}; known are {', '.join(known)}."
        )
    for path in files:
        check_file(path)


def _find_format(kind: Kind, source: SourceFile, name: str | None) -> Format:
    formats = kind.formats()
    if name is not None:
        return next(candidate for candidate in formats if candidate.name == name)
    fitting = [candidate for candidate in formats if candidate.matches(source)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(candidate.name for candidate in fitting)
        raise DataError(f"{source.path}: could be {names}; say which with --format.")
    known = "\n".join(f"  {layout.name}: {layout.wants or layout.table}" for layout in formats)
    found = ", ".join(name[:40] for name in source.columns[:40])
    raise DataError(
        f"{source.path}: not a known format of {kind.name}; its first line has {found}.\n"
        f"Formats of {kind.name} (name one with --format to see what is amiss):\n{known}"
    )


def _build_of(kind: Kind, source: SourceFile, layout: Format, stated: str | None) -> str | None:
    if not kind.needs_build:
        return None
    in_file = layout.stated_build(source) if layout.stated_build else None
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


def _load_file(
    con: duckdb.DuckDBPyConnection,
    kind: Kind,
    source: SourceFile,
    layout: Format,
    options: LoadOptions,
    dry_run: bool,
    progress: Callable[[str], None] | None,
) -> LoadReport:
    say = progress or _say_nothing
    _check_build(con, source, options.build)
    say(f"{source.path}: checksum")
    digest = sha256_of(source.path)
    earlier = _earlier_load(con, kind, digest)
    if earlier:
        load_id, layout_name, build, source_id = earlier
        if options.source_id and source_id and options.source_id != source_id:
            raise DataError(
                f"{source.path}: already loaded as source {source_id} (load {load_id}), "
                f"now given as {options.source_id}."
            )
        return LoadReport(
            str(source.path), kind.name, layout_name, build, "already loaded", load_id, digest
        )
    damage = check_compression(source.path)
    say(f"{source.path}: reading as {layout.name}")
    _drop_incoming(con)
    con.execute(
        "create or replace temp table incoming_issues"
        "(line bigint, code varchar, message varchar, n bigint, example varchar)"
    )
    with _faults_of(source, layout):
        layout.stage(con, source, options)
    if damage:
        con.execute("insert into incoming_issues values (null, ?, null, 1, null)", [damage])
    load_id = _next_load_id(con)
    say(f"{source.path}: storing")
    report = _store(con, kind, source, layout, options, digest, load_id, dry_run)
    _drop_incoming(con)
    return report


def _say_nothing(_: str) -> None:
    return


def _check_build(con: duckdb.DuckDBPyConnection, source: SourceFile, build: str | None) -> None:
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


def _earlier_load(
    con: duckdb.DuckDBPyConnection, kind: Kind, digest: str
) -> tuple[int, str, str | None, str | None] | None:
    found = con.execute(
        "select load_id, format, genome_build, source_id, sha256 from load_manifest "
        "where kind = ? and (not ? or load_id = (select max(load_id) from load_manifest "
        "where kind = ?)) and sha256 = ? order by load_id limit 1",
        [kind.name, kind.replaces, kind.name, digest],
    ).fetchone()
    return (found[0], found[1], found[2], found[3]) if found else None


def _next_load_id(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select coalesce(max(load_id), 0) + 1 from load_manifest").fetchone()
    return int(row[0]) if row else 1


def _drop_incoming(con: duckdb.DuckDBPyConnection) -> None:
    for name, is_view in con.execute(
        "select table_name, false from duckdb_tables() where temporary and table_name in "
        "('incoming', 'incoming_judged', 'incoming_issues', 'file_lines', 'file_fields') "
        "union all select view_name, true from duckdb_views() where temporary and view_name in "
        "('incoming', 'incoming_judged')"
    ).fetchall():
        con.execute(f"drop {'view' if is_view else 'table'} temp.{name}")


# Never the file's fault; a damaged file can raise any other error, bare duckdb.Error included.
_OUR_FAULTS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConstraintException,
    duckdb.InterruptException,
    duckdb.ParserException,
    duckdb.SyntaxException,
)


@contextmanager
def _faults_of(source: SourceFile, layout: Format) -> Iterator[None]:
    """Turn what DuckDB raises over a file's content into an error of ours.

    The text of a DuckDB error quotes the data, so it is not shown.
    """
    try:
        yield
    except _OUR_FAULTS:
        raise
    except duckdb.OutOfMemoryException as error:
        raise DataError(
            f"{source.path}: does not fit into the memory limit; give more with --memory, "
            "or more room with --temp-dir."
        ) from error
    except duckdb.Error as error:
        raise DataError(
            f"{source.path}: cannot be read as {layout.name}: the file is damaged, or it is not "
            "what its name says."
        ) from error


def _store(
    con: duckdb.DuckDBPyConnection,
    kind: Kind,
    source: SourceFile,
    layout: Format,
    options: LoadOptions,
    digest: str,
    load_id: int,
    dry_run: bool,
) -> LoadReport:
    path = str(source.path)
    _judge(con, layout, options)
    with _faults_of(source, layout):
        n_read, issues = _count(con)
    if n_read == 0:
        raise DataError(f"{path}: the file is empty (no rows of {kind.name}).")
    _refuse(path, kind, options, n_read, issues)
    if kind.replaces:
        con.execute(f"delete from {layout.table}")
    if kind.own_store:
        store: Callable[..., dict[str, int]] = importlib.import_module(kind.module).store
        with _faults_of(source, layout):
            merged = store(con, source, load_id)
        issues += [
            _Issue(None, code, message_of(code), n, None, is_reject=True)
            for code, n in sorted(merged.items())
            if n
        ]
    else:
        # a staged view reads the file again, and now every column of it
        with _faults_of(source, layout):
            con.execute(
                f"insert into {layout.table} by name "
                f"select * exclude (line, reject, note), {load_id} as load_id "
                "from incoming_judged where reject is null"
            )
    rejected: dict[str, int] = {}
    notes: dict[str, int] = {}
    for issue in issues:
        counts = rejected if issue.is_reject else notes
        counts[issue.code] = counts.get(issue.code, 0) + issue.n
    n_rejected = sum(rejected.values())
    con.execute(
        "insert into load_manifest values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, map(?, ?), ?, ?)",
        [
            load_id, kind.name, path, digest, source.path.stat().st_size, layout.name,
            options.source_id, options.build, n_read, n_read - n_rejected, n_rejected,
            list(rejected), list(rejected.values()), __version__, datetime.now(UTC),
        ],
    )  # fmt: skip
    for issue in issues:
        con.execute(
            "insert into load_issues values (?, ?, ?, ?, ?, ?, ?)",
            [load_id, path, issue.line, issue.code, issue.message, issue.n, issue.example],
        )
    return LoadReport(
        path,
        kind.name,
        layout.name,
        options.build,
        "dry run" if dry_run else "loaded",
        load_id,
        digest,
        n_read,
        n_read - n_rejected,
        rejected,
        notes,
    )


def _judge(con: duckdb.DuckDBPyConnection, layout: Format, options: LoadOptions) -> None:
    """Add what every format has in common to the rejects: contigs, chromosome ends, empty keys."""
    schema, table = layout.table.split(".")
    required = {
        row[0]
        for row in con.execute(
            "select column_name from duckdb_columns() "
            "where schema_name = ? and table_name = ? and not is_nullable",
            [schema, table],
        ).fetchall()
    } - {"load_id"}
    columns = [row[0] for row in con.execute("describe incoming").fetchall()]
    cases = []
    if "chrom" in required:
        cases.append("when chrom is null then 'unknown_contig'")
    cases += [
        f"when {quoted_name(name)} is null then '{name}_missing'"
        for name in columns
        if name in required and name != "chrom"
    ]
    starts = [name for name in ("pos", "start_pos") if name in columns]
    ends = [name for name in ("pos", "end_pos") if name in columns]
    cases += [f"when {name} < 1 then 'position_below_one'" for name in starts]
    if options.build and "chrom" in columns:
        length = chromosome_end_sql("chrom", options.build)
        cases += [f"when {name} > {length} then 'beyond_chromosome_end'" for name in ends]
    verdict = f"coalesce(reject, case {' '.join(cases)} end)" if cases else "reject"
    con.execute(
        "create or replace temp view incoming_judged as "
        f"select * replace ({verdict} as reject) from incoming"
    )


# Columns that make an example of a bad row; none of them says anything about a person.
_EXAMPLE_COLUMNS = (
    "variant_id", "chrom", "pos", "start_pos", "end_pos", "gene_id", "gene_name",
    "transcript_id", "type_id", "source_id", "feature", "qtl_pval", "p_value", "interval_score",
    "score", "weight", "study_id", "lead_variant_id", "tag_variant_id", "posterior", "r2",
)  # fmt: skip


def _count(con: duckdb.DuckDBPyConnection) -> tuple[int, list[_Issue]]:
    columns = {row[0] for row in con.execute("describe incoming").fetchall()}
    parts = ", ".join(
        f"{text_literal(name + '=')} || cast({name} as varchar)"
        for name in _EXAMPLE_COLUMNS
        if name in columns
    )
    example = f"concat_ws(', ', {parts})" if parts else "null"
    rows = con.execute(f"""
        select
            reject,
            case when reject is null then note end as note,
            count(*) as n,
            min(line) as line,
            arg_min(case when reject is not null or note is not null then {example} end, line)
                as example
        from incoming_judged
        group by all
        order by all
    """).fetchall()
    n_read = sum(row[2] for row in rows)
    issues = [
        _Issue(
            line=line,
            code=reject or note,
            message=message_of(reject or note),
            n=n,
            example=sample,
            is_reject=reject is not None,
        )
        for reject, note, n, line, sample in rows
        if reject or note
    ]
    extra = con.execute(
        "select line, code, message, n, example from incoming_issues order by all"
    ).fetchall()
    issues += [
        _Issue(line, code, message or message_of(code), n, sample, is_reject=False)
        for line, code, message, n, sample in extra
    ]
    return n_read, issues


def _refuse(
    path: str, kind: Kind, options: LoadOptions, n_read: int, issues: Sequence[_Issue]
) -> None:
    """Raise when nothing of the file is left, or when ``--strict`` meets anything doubtful."""
    doubtful = [issue for issue in issues if issue.code not in EXPECTED_CODES]
    if doubtful and sum(issue.n for issue in issues if issue.is_reject) == n_read:
        raise DataError(
            f"{path}: none of its {n_read} rows of {kind.name} can be taken.\n{_listed(doubtful)}"
        )
    if doubtful and options.strict:
        raise DataError(f"{path}: refused by --strict.\n{_listed(doubtful)}")


def _listed(issues: Sequence[_Issue]) -> str:
    return "\n".join(
        f"  {issue.code}: {issue.message} ({issue.n} rows"
        + (f", first in line {issue.line}" if issue.line is not None else "")
        + (f": {issue.example}" if issue.example else "")
        + ")"
        for issue in issues
    )
