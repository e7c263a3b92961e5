"""Tables of numbers about donors, into ``raw.covariates`` and ``raw.donors``.

Donors are the rows, or the columns, which is how tensorQTL has them. Either way a table becomes
``donor_values``, one row for each donor and column, and is judged there.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.donors.register import (
    DONOR_COLUMNS,
    add_donors,
    create_donor_meanings,
    donor_overlap,
)
from varhouse.ingest.donors.sex import create_sexes, is_sex_column
from varhouse.ingest.donors.store import (
    EXPRESSION_PC,
    spell_as_known,
    store_numbers,
    store_sexes,
)
from varhouse.ingest.format import Issue, Loaded, LoadOptions, Say, SourceFile
from varhouse.ingest.keys import missing_sql, number_sql, one_of_sql
from varhouse.ingest.matrix import (
    MATRIX_CELLS,
    create_column_names,
    drop_matrix,
    matrix_column,
    stage_matrix,
)
from varhouse.ingest.reading import (
    PANDAS_INDEX,
    check_compression,
    is_row_labels,
    shown_names,
)
from varhouse.ingest.records import column_names

_NOT_VALUES = frozenset({*DONOR_COLUMNS, "id", "fid", "pat", "mat", "sid"})
"""Further ids of donors, and columns that PLINK writes beside IID."""

# A first column called "id" or nothing holds donors where columns are called like these, and
# covariates where they are called like donors.
_CORNERS = ("", "id")
_ABOUT_DONORS = frozenset({"sex", "gender", "age", "pc1", "peer1", "inferredcov1"})


def donor_column(source: SourceFile) -> str | None:
    """Return the column of donor ids, in lower case, or None."""
    found = column_names(source)
    named = next((name for name in DONOR_COLUMNS if name in found), None)
    if named is not None or _ABOUT_DONORS.isdisjoint(found):
        return named
    if found[0] in _CORNERS:
        return found[0]
    return PANDAS_INDEX if PANDAS_INDEX in found else None


def is_by_row(source: SourceFile) -> bool:
    """Return whether a table has a donor a line."""
    return donor_column(source) is not None


def stage_by_row(con: duckdb.DuckDBPyConnection, source: SourceFile) -> list[Issue]:
    """Create ``donor_values`` from a table with a donor a line; return what was left out of it.

    Raises
    ------
    DataError
        No column of donor ids, none of values, a column named twice, a ragged line.
    """
    names = column_names(source)
    key = donor_column(source)
    if key is None:
        raise DataError(
            f"{source.path}: no column of donor ids; wanted is one named "
            f"{', '.join(DONOR_COLUMNS)}. Columns found: "
            f"{shown_names(source.columns)}."
        )
    # row numbers would be a covariate that nobody meant
    labels = {name for name in names if name != key and is_row_labels(name)}
    values = [name for name in names if name not in _NOT_VALUES | labels | {key}]
    twice = next((name for name in values if values.count(name) > 1), None)
    if twice:
        raise DataError(f"{source.path}: column {twice} occurs twice in the header.")
    spelled = dict(zip(names, (name.strip().lstrip("#") for name in source.columns), strict=True))
    create_column_names(con, [spelled[name] if name in values else None for name in names])
    stage_matrix(con, source)
    # a list of ids alone has no values, and still says who the donors are
    con.execute(f"""
        create or replace temp table donor_ids as
        select line, value as donor_text from {matrix_column(names.index(key) + 1)}
    """)
    con.execute(f"""
        create or replace temp table donor_values as
        select
            cells.line,
            donor_ids.donor_text,
            matrix_columns.name as covariate,
            cells.value
        from {MATRIX_CELLS} as cells
        inner join matrix_columns on cells.number = matrix_columns.number
        inner join donor_ids on cells.line = donor_ids.line
    """)
    drop_matrix(con)
    if not labels:
        return []
    return [Issue(code="row_labels_left_out", n=len(labels), is_reject=False)]


def stage_by_column(con: duckdb.DuckDBPyConnection, source: SourceFile) -> list[Issue]:
    """Create ``donor_values`` from a table with a covariate a line, its name in the first column.

    Raises
    ------
    DataError
        A covariate or donor named twice or not at all, a ragged line.
    """
    create_column_names(con, [None, *source.columns[1:]])
    stage_matrix(con, source)
    con.execute(f"""
        create or replace temp table donor_values as
        select
            cells.line,
            matrix_columns.name as donor_text,
            trim(covariates.value) as covariate,
            cells.value
        from {MATRIX_CELLS} as cells
        inner join matrix_columns on cells.number = matrix_columns.number
        inner join {matrix_column(1)} as covariates
            on cells.line = covariates.line
    """)
    drop_matrix(con)
    twice = con.execute(
        "select min(covariate), list_sort(list_distinct(list(line))) from donor_values "
        "group by lower(covariate) having count(distinct line) > 1 or min(covariate) = '' "
        "order by 1 limit 1"
    ).fetchone()
    if twice:
        lines = " and ".join(str(line) for line in twice[1])
        raise DataError(f"{source.path}: covariate {twice[0]!r} in line {lines}; one line each.")
    con.execute(
        "create or replace temp table donor_ids as select 1 as line, name as donor_text "
        "from matrix_columns where name is not null"
    )
    return []


def load_values(
    stage: Callable[[duckdb.DuckDBPyConnection, SourceFile], list[Issue]],
    con: duckdb.DuckDBPyConnection,
    source: SourceFile,
    options: LoadOptions,
    load_id: int,
    say: Say,
    *,
    text_is_error: bool,
) -> Loaded:
    """Load a file whose ``donor_values`` are created by ``stage``.

    Parameters
    ----------
    stage
        `stage_by_row` or `stage_by_column`.
    text_is_error
        Whether a column that does not hold numbers refuses the file, or is left out and counted.

    Raises
    ------
    DataError
        A donor twice, a column of text, values other than those loaded before, no donor that has
        genotypes while there are some.
    """
    issues = [*stage(con, source), *check_compression(source.path)]
    n_read, n_nameless = _name_donors(con, options)
    if n_nameless:
        issues.append(Issue(code="donor_id_missing", n=n_nameless, is_reject=True))
    _refuse_interchanged(con, source)
    _refuse_reserved(con, source)
    _refuse_repeated(con, source)
    issues += donor_overlap(
        con,
        "select donor_id from donor_ids",
        f"{source.path}: its donors",
        id_map=options.id_map,
    )
    issues += create_sexes(con, source)
    issues += _create_numbers(con, source, text_is_error=text_is_error)
    spell_as_known(con)
    _refuse_other_values(con, source)
    store_numbers(con, load_id)
    add_donors(con, "select donor_id from donor_ids", load_id)
    issues += store_sexes(con)
    for name in ("donor_values", "donor_ids", "matrix_columns", "donor_sexes", "donor_numbers"):
        con.execute(f"drop table if exists temp.{name}")
    return Loaded(n_read=n_read, n_loaded=n_read - n_nameless, issues=issues)


def _name_donors(con: duckdb.DuckDBPyConnection, options: LoadOptions) -> tuple[int, int]:
    """Give ``donor_ids`` and ``donor_values`` the ids as meant; count all donors and nameless."""
    create_donor_meanings(con, options.id_map)
    for table in ("donor_ids", "donor_values"):
        con.execute(f"""
            create or replace temp table {table} as
            select
                {table}.* exclude (donor_text),
                coalesce(donor_meanings.meant, {missing_sql(f"{table}.donor_text")}) as donor_id
            from {table}
            left join donor_meanings on trim({table}.donor_text) = donor_meanings.donor_text
        """)
    con.execute("drop table temp.donor_meanings")
    n_read, n_nameless = con.execute(
        "select count(*), count(*) filter (where donor_id is null) from donor_ids"
    ).fetchall()[0]
    con.execute("delete from donor_ids where donor_id is null")
    con.execute("delete from donor_values where donor_id is null")
    return n_read, n_nameless


def _refuse_interchanged(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    """Refuse covariates in place of donors, by their names or as donors that are known."""
    ((donor, is_known, has_known),) = con.execute(f"""
        select
            (
                select min(donor_id) from donor_ids
                where {one_of_sql("lower(donor_id)", sorted(_ABOUT_DONORS))}
            ),
            exists (select 1 from donor_ids semi join raw.donors using (donor_id)),
            exists (
                select 1 from donor_values
                inner join raw.donors as donors on donor_values.covariate = donors.donor_id
            )
    """).fetchall()
    if donor or (has_known and not is_known):
        found = f"a donor is called {donor}" if donor else "covariates are called like known donors"
        raise DataError(
            f"{source.path}: {found}: rows and columns are taken for each other. Call the first "
            "column donor_id where a line is a donor, id where a line is a covariate."
        )


def _refuse_reserved(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    ((name,),) = con.execute(
        "select min(covariate) from donor_values "
        f"where starts_with(lower(covariate), '{EXPRESSION_PC}')"
    ).fetchall()
    if name is not None:
        raise DataError(
            f"{source.path}: covariate {name}: {EXPRESSION_PC}1, ... are what varhouse load cells "
            "computes, anew with every file of cells. Rename the column."
        )


def _refuse_repeated(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    twice = con.execute(
        "select donor_id, list_sort(list(line)) as lines, count(*) over () from donor_ids "
        "group by donor_id having count(*) > 1 order by lines, donor_id limit 1"
    ).fetchone()
    if twice:
        donor, lines, n_donors = twice
        where = (
            f"in lines {' and '.join(str(line) for line in lines)}"
            if lines[0] != lines[-1]
            else "in the header"
        )
        raise DataError(
            f"{source.path}: donor {donor} occurs {len(lines)} times, {where} "
            f"({n_donors} such donors); a donor has one set of values."
        )


def _create_numbers(
    con: duckdb.DuckDBPyConnection, source: SourceFile, *, text_is_error: bool
) -> list[Issue]:
    """Create ``donor_numbers(donor_id, covariate, value)``, sex among them as 1 and 2."""
    con.execute(f"""
        create or replace temp table donor_numbers as
        with numbers as (
            select
                line,
                donor_id,
                covariate,
                {missing_sql("value")} as given,
                case lower(trim(value))
                    when 'true' then 1
                    when 'false' then 0
                    else {number_sql(missing_sql("value"))}
                end as number
            from donor_values
            where not {is_sex_column("covariate")}
        )
        select
            *,
            given is not null and number is null as is_text,
            isinf(number) as is_infinite,
            case when isfinite(number) then number end as value
        from numbers
    """)
    issues = []
    for name, n_text, n_given, line in con.execute("""
        select covariate, count(*) filter (where is_text), count(given),
            min(line) filter (where is_text)
        from donor_numbers
        group by covariate
        having bool_or(is_text)
        order by min(line), covariate
    """).fetchall():
        found = f"{n_text} of the {n_given} values of {name[:40]} are not numbers"
        if text_is_error:
            raise DataError(
                f"{source.path}, line {line}: {found}. A covariate is a number: code groups as "
                "one column of 0 and 1 for each but the first, or leave the column out."
            )
        issues.append(
            Issue(
                line=line, code="column_not_numeric", message=f"{found}; the column is left out",
                n=n_given, is_reject=False,
            )
        )  # fmt: skip
        con.execute("delete from donor_numbers where covariate = ?", [name])
    ((n_infinite, line),) = con.execute(
        "select count(*), min(line) from donor_numbers where is_infinite"
    ).fetchall()
    if n_infinite:
        issues.append(Issue(line=line, code="covariate_not_finite", n=n_infinite, is_reject=False))
    ((n_codes, line),) = con.execute("""
        select count(*), min(line)
        from donor_numbers
        where number = -9 and covariate not in (
            select others.covariate from donor_numbers as others
            where others.number < 0 and others.number <> -9
        )
    """).fetchall()
    if n_codes:
        issues.append(Issue(line=line, code="minus_nine_kept", n=n_codes, is_reject=False))
    con.execute("""
        insert into donor_numbers by name
        select donor_id, 'sex' as covariate, sex as value
        from donor_sexes
        where exists (select 1 from donor_sexes where sex is not null)
    """)
    return issues


def _refuse_other_values(con: duckdb.DuckDBPyConnection, source: SourceFile) -> None:
    other = con.execute("""
        select covariates.covariate, load_manifest.file, count(*)
        from donor_numbers
        inner join raw.covariates as covariates
            on
                donor_numbers.donor_id = covariates.donor_id
                and donor_numbers.covariate = covariates.covariate
        left join load_manifest
            on covariates.load_id = load_manifest.load_id
        where donor_numbers.value <> covariates.value
        group by covariates.covariate, load_manifest.file
        order by all
        limit 1
    """).fetchone()
    if other:
        raise DataError(
            f"{source.path}: {other[0]} of {other[2]} donors differs from {other[1]}, which is "
            "loaded. A covariate has one value: rename the column, or use another --db."
        )
