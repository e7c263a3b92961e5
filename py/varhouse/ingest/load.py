"""`varhouse load`: files of one kind into its raw table, all of them or none."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Unpack

import duckdb

from varhouse import __version__
from varhouse.errors import NO_ROOM, DataError
from varhouse.ingest.builds import normalised_build
from varhouse.ingest.codes import FILTER_CODES, message_of
from varhouse.ingest.format import Format, Issue, KindOptions, Loaded, LoadOptions, Say, SourceFile
from varhouse.ingest.issues import (
    count_incoming,
    judge,
    refuse,
    refuse_other_build,
)
from varhouse.ingest.kinds import KINDS, Kind
from varhouse.ingest.reading import check_compression, sha256_of, sniff
from varhouse.ingest.repeats import record_options, refuse_other_options
from varhouse.ingest.request import build_of, check_build, check_request, find_format
from varhouse.transaction import transaction

Status = Literal["loaded", "already loaded", "dry run"]


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


def load_files(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    files: Sequence[Path],
    *,
    build: str | None,
    source_id: str | None,
    format: str | None,
    strict: bool = False,
    dry_run: bool = False,
    progress: Say | None = None,
    **special: Unpack[KindOptions],
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
    source_id
        For rows whose file does not name one.
    format
        Name of the layout; None to recognise it.
    strict
        Refuse the files at the first rejected or doubtful row.
    dry_run
        Do everything, then roll back.
    progress
        Called with a line of text before each step.
    **special
        What only some kinds heed; see `varhouse.ingest.format.LoadOptions`.

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
    check_request(kind, files, build=build, format=format, source_id=source_id, **special)
    chosen = KINDS[kind]
    stated = normalised_build(build) if build else None
    sources = [sniff(path) for path in files]
    reports = []
    with transaction(con, keep=not dry_run):
        for source in sources:
            layout = find_format(chosen, source, format)
            options = LoadOptions(
                build=build_of(chosen, source, layout, stated),
                source_id=source_id,
                strict=strict,
                **special,
            )
            reports.append(_load_file(con, chosen, source, layout, options, dry_run, progress))
        _refuse_all_filtered(reports)
        if chosen.finishes:
            found: Sequence[Issue] | None = importlib.import_module(chosen.module).finish(con)
            reports[-1] = _with_notes(con, reports[-1], found or ())
    return reports


def _refuse_all_filtered(reports: Sequence[LoadReport]) -> None:
    """Raise when filters that were asked for left nothing of all files that are new."""
    new = [report for report in reports if report.status != "already loaded"]
    rejected = Counter[str]()
    for report in new:
        rejected.update(report.rejected)
    if any(report.n_loaded for report in new) or FILTER_CODES.isdisjoint(rejected):
        return
    n_others = len(new) - 1
    of_files = f" and {n_others} other file{'s' if n_others > 1 else ''}" if n_others else ""
    n_read = sum(report.n_read for report in new)
    told = "\n".join(f"  {code}: {message_of(code)} ({n:,} rows)" for code, n in rejected.items())
    raise DataError(
        f"{new[0].file}{of_files}: none of {n_read:,} rows of {new[0].kind} is kept, so nothing "
        f"was loaded. Give filters that some of them pass.\n{told}"
    )


def _load_file(
    con: duckdb.DuckDBPyConnection,
    kind: Kind,
    source: SourceFile,
    layout: Format,
    options: LoadOptions,
    dry_run: bool,
    progress: Say | None,
) -> LoadReport:
    say = progress or (lambda _: None)
    path = str(source.path)
    check_build(con, source, options.build)
    files = _files_of(source, layout, options)
    say(f"{path}: checksum")
    digest = sha256_of(files)
    earlier = _earlier_load(con, kind, digest)
    if earlier:
        load_id, layout_name, build, source_id = earlier
        if options.source_id and options.source_id != source_id:
            then = f"--source {source_id}" if source_id else "no --source"
            raise DataError(
                f"{path}: already loaded with {then} (load {load_id}), now given as "
                f"{options.source_id}. A file is loaded once: load it anew into another --db."
            )
        refuse_other_options(con, path, options, load_id)
        return LoadReport(path, kind.name, layout_name, build, "already loaded", load_id, digest)
    load_id = _next_load_id(con)
    if kind.replaces:
        con.execute(f"delete from {layout.table}")
    with _faults_of(source, layout):
        if layout.load is not None:
            say(f"{path}: loading as {layout.name}")
            loaded = layout.load(con, source, options, load_id, say)
            refuse(path, kind.name, options, loaded.n_read, loaded.issues)
        else:
            loaded = _load_staged(con, kind, source, layout, options, load_id, say)
    rejected: dict[str, int] = {}
    notes: dict[str, int] = {}
    for issue in loaded.issues:
        counts = rejected if issue.is_reject else notes
        counts[issue.code] = counts.get(issue.code, 0) + issue.n
    report = LoadReport(
        path,
        kind.name,
        layout.name,
        options.build,
        "dry run" if dry_run else "loaded",
        load_id,
        digest,
        loaded.n_read,
        loaded.n_loaded,
        rejected,
        notes,
    )
    _record(con, report, loaded.issues, options, sum(file.stat().st_size for file in files))
    return report


def _files_of(source: SourceFile, layout: Format, options: LoadOptions) -> list[Path]:
    """Return a file with all others that decide what is loaded, each once."""
    files = [source.path, *(layout.companions(source) if layout.companions else ())]
    if options.sample_file is not None:
        files.append(options.sample_file)
    return list({file.resolve(): file for file in files}.values())


def _load_staged(
    con: duckdb.DuckDBPyConnection,
    kind: Kind,
    source: SourceFile,
    layout: Format,
    options: LoadOptions,
    load_id: int,
    say: Say,
) -> Loaded:
    """Load a file through the temp table ``incoming``."""
    assert layout.stage is not None, f"format {layout.name} has neither stage nor load"
    path = str(source.path)
    damage = check_compression(source.path)
    say(f"{path}: reading as {layout.name}")
    con.execute(
        "create or replace temp table incoming_issues"
        "(line bigint, code varchar, message varchar, n bigint, example varchar)"
    )
    layout.stage(con, source, options)
    say(f"{path}: storing")
    judge(con, layout, options)
    n_read, issues = count_incoming(con)
    issues += damage
    refuse_other_build(path, options, issues)
    refuse(path, kind.name, options, n_read, issues)
    if kind.own_store:
        store: Callable[..., dict[str, int]] = importlib.import_module(kind.module).store
        merged = store(con, source, load_id)
        issues += [Issue(code=code, n=n, is_reject=True) for code, n in sorted(merged.items()) if n]
    else:
        # a staged view reads the file again, and now every column of it
        con.execute(
            f"insert into {layout.table} by name "
            f"select * exclude (line, reject, note), {load_id} as load_id "
            "from incoming_judged where reject is null"
        )
    _drop_incoming(con)
    n_rejected = sum(issue.n for issue in issues if issue.is_reject)
    return Loaded(n_read=n_read, n_loaded=n_read - n_rejected, issues=issues)


def _record(
    con: duckdb.DuckDBPyConnection,
    report: LoadReport,
    issues: Sequence[Issue],
    options: LoadOptions,
    n_bytes: int,
) -> None:
    """Write what became of a file into ``load_manifest`` and ``load_issues``."""
    con.execute(
        "insert into load_manifest values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, map(?, ?), ?, ?)",
        [
            report.load_id, report.kind, report.file, report.sha256, n_bytes, report.format,
            options.source_id, options.build, report.n_read, report.n_loaded, report.n_rejected,
            list(report.rejected), list(report.rejected.values()), __version__, datetime.now(UTC),
        ],
    )  # fmt: skip
    record_options(con, options, report.load_id)
    _record_issues(con, report, issues)


def _with_notes(
    con: duckdb.DuckDBPyConnection, report: LoadReport, issues: Sequence[Issue]
) -> LoadReport:
    """Add what was found after the last file to its report; what is known of it is replaced."""
    if not issues:
        return report
    con.execute(
        "delete from load_issues where load_id = ? and list_contains(?, code)",
        [report.load_id, [issue.code for issue in issues]],
    )
    _record_issues(con, report, issues)
    return replace(report, notes=report.notes | {issue.code: issue.n for issue in issues})


def _record_issues(
    con: duckdb.DuckDBPyConnection, report: LoadReport, issues: Sequence[Issue]
) -> None:
    for issue in issues:
        con.execute(
            "insert into load_issues values (?, ?, ?, ?, ?, ?, ?)",
            [
                report.load_id, report.file, issue.line, issue.code, issue.message, issue.n,
                issue.example,
            ],
        )  # fmt: skip


def _earlier_load(
    con: duckdb.DuckDBPyConnection, kind: Kind, digest: str
) -> tuple[int, str, str | None, str | None] | None:
    kinds = [kind.name, *kind.same_tables]
    found = con.execute(
        "select load_id, format, genome_build, source_id from load_manifest "
        "where list_contains(?, kind) and (not ? or load_id = (select max(load_id) "
        "from load_manifest where kind = ?)) and sha256 = ? order by load_id limit 1",
        [kinds, kind.replaces, kind.name, digest],
    ).fetchone()
    return (found[0], found[1], found[2], found[3]) if found else None


def _next_load_id(con: duckdb.DuckDBPyConnection) -> int:
    ((load_id,),) = con.execute(
        "select coalesce(max(load_id), 0) + 1 from load_manifest"
    ).fetchall()
    return int(load_id)


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
        if NO_ROOM.search(str(error)):
            raise DataError(
                f"{source.path}: the warehouse or its spill folder cannot be written: no room on "
                "the disk, or a limit on the size of files. --temp-dir moves the spill folder."
            ) from error
        raise DataError(
            f"{source.path}: cannot be read as {layout.name}: the file is damaged, or it is not "
            "what its name says."
        ) from error
