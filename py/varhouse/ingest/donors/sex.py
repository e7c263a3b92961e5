"""The sex of donors, 1 male and 2 female, from the ways that files code it."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from varhouse.errors import DataError
from varhouse.ingest.format import Issue, SourceFile
from varhouse.ingest.keys import missing_sql, one_of_sql

# Column name -> what 0 and 1 mean in it; None where the name does not say.
_COLUMNS: dict[str, tuple[int, int] | None] = {
    "sex": None,
    "gender": None,
    "sex_at_birth": None,
    "is_male": (2, 1),
    "male": (2, 1),
    "is_female": (1, 2),
    "female": (1, 2),
}
# The ontology's terms are those of CELLxGENE files.
_WORDS = {
    "1": 1, "M": 1, "MALE": 1, "PATO:0000384": 1,
    "2": 2, "F": 2, "FEMALE": 2, "PATO:0000383": 2,
}  # fmt: skip
# R's short truth values, of which one is also the word for female.
_TRUE_FALSE = {"T", "F"}
_UNKNOWN = ("0", "-9", "U", "UNKNOWN")

SEX_COLUMNS = (
    *(name for name, meaning in _COLUMNS.items() if meaning is None),
    "sex_ontology_term_id",
)
"""Names, in lower case, of columns that hold the words of `sex_of`; the best known first."""


def sex_of(word: str) -> int | None:
    """Return 1 for male and 2 for female, from the usual words and codes; None for others."""
    return _WORDS.get(word.strip().upper())


def is_sex_told(words: Iterable[str]) -> bool:
    """Whether a column with these values tells the sex of some, or that it is not known."""
    found = {word.strip().upper() for word in words}
    return not found >= _TRUE_FALSE and (
        any(sex_of(word) for word in found) or found <= set(_UNKNOWN)
    )


def is_sex_unreadable(word: str) -> bool:
    """Whether a value is neither a sex that is understood nor says that it is not known."""
    return sex_of(word) is None and word.strip().upper() not in _UNKNOWN


def is_sex_column(name: str) -> str:
    """Return an SQL condition: the column that the expression ``name`` names tells the sex."""
    return one_of_sql(f"lower({name})", tuple(_COLUMNS))


def create_sexes(con: duckdb.DuckDBPyConnection, source: SourceFile) -> list[Issue]:
    """Create ``donor_sexes(donor_id, sex)`` from ``donor_values``; empty without such a column.

    Taken are 1/2, M/F and the words; 0 is unknown where 2 occurs too, as in PLINK. In columns named
    ``is_male`` or ``is_female`` 1 and 0 are yes and no.

    Raises
    ------
    DataError
        Two columns tell the sex, 0 and 1 do not say which is which, or nothing is understood.
    """
    names = [
        row[0]
        for row in con.execute(
            "select distinct covariate from donor_values "
            f"where {is_sex_column('covariate')} order by 1"
        ).fetchall()
    ]
    if not names:
        con.execute("create or replace temp table donor_sexes(donor_id varchar, sex tinyint)")
        return []
    if len(names) > 1:
        raise DataError(f"{source.path}: columns {', '.join(names)} all tell the sex; keep one.")
    (name,) = names
    con.execute(
        f"""
        create or replace temp table sex_values as
        select
            line,
            donor_id,
            regexp_replace(upper({missing_sql("value")}), '[.]0+$', '') as word
        from donor_values
        where covariate = ?
        """,
        [name],
    )
    words = {row[0] for row in con.execute("select distinct word from sex_values").fetchall()}
    meanings = _meanings(source, name, words - {None})
    sexes = " ".join(f"when '{word}' then {sex or 'null'}" for word, sex in meanings.items())
    con.execute(f"""
        create or replace temp table donor_sexes as
        select
            line,
            donor_id,
            cast(case word {sexes} end as tinyint) as sex,
            word is not null and not {one_of_sql("word", tuple(meanings))} as is_odd
        from sex_values
    """)
    con.execute("drop table temp.sex_values")
    ((n_odd, n_known, line),) = con.execute(
        "select count(*) filter (is_odd), count(sex), min(line) filter (is_odd) from donor_sexes"
    ).fetchall()
    if n_odd and not n_known:
        raise DataError(
            f"{source.path}, line {line}: no value of {name} is understood. Write the sex as "
            "1/2, M/F or male/female; 0 or nothing where it is not known."
        )
    if not n_odd:
        return []
    return [Issue(line=line, code="sex_unreadable", n=n_odd, is_reject=False)]


def _meanings(source: SourceFile, name: str, words: set[str]) -> dict[str, int | None]:
    """Return what each word of the column means; None for those that say it is not known."""
    yes_no = _COLUMNS[name.lower()]
    if yes_no:
        no, yes = yes_no
        return {**dict.fromkeys(("0", "F", "FALSE"), no), **dict.fromkeys(("1", "T", "TRUE"), yes)}
    # a 0 is unknown where there are other sexes than 1
    is_yes_no = "0" in words and words & _WORDS.keys() <= {"1"}
    if is_yes_no or words >= _TRUE_FALSE:
        found = "0 and 1" if is_yes_no else "T and F"
        raise DataError(
            f"{source.path}: column {name} has {found}, and nothing says which is male. Write 1/2 "
            "(male, female), M/F or male/female, or name the column is_male or is_female."
        )
    return {**_WORDS, **dict.fromkeys(_UNKNOWN)}
