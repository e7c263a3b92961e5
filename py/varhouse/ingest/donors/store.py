"""Numbers about donors in ``raw.covariates``, whatever file they came from.

They are the rows of the temp table ``donor_numbers(donor_id, covariate, value)``.
"""

from __future__ import annotations

import duckdb

from varhouse.ingest.format import Issue

EXPRESSION_PC = "expression_pc"
"""How the names of covariates begin that are computed from cells, and in no file."""


def spell_as_known(con: duckdb.DuckDBPyConnection) -> None:
    """Take covariates that differ from loaded ones in the case of their letters for the same."""
    con.execute("""
        update donor_numbers
        set covariate = known.covariate
        from (
            select min(covariate) as covariate from raw.covariates group by lower(covariate)
        ) as known
        where lower(donor_numbers.covariate) = lower(known.covariate)
    """)


def store_numbers(con: duckdb.DuckDBPyConnection, load_id: int) -> None:
    """Write the numbers that are not there, or NULL there; the others stay as they are."""
    con.execute("""
        update raw.covariates
        set value = donor_numbers.value
        from donor_numbers
        where
            covariates.donor_id = donor_numbers.donor_id
            and covariates.covariate = donor_numbers.covariate
            and covariates.value is null
    """)
    con.execute(f"""
        insert into raw.covariates by name
        select
            donor_numbers.donor_id,
            donor_numbers.covariate,
            donor_numbers.value,
            {load_id} as load_id
        from donor_numbers
        anti join raw.covariates as known
            on
                donor_numbers.donor_id = known.donor_id
                and donor_numbers.covariate = known.covariate
        order by donor_numbers.covariate, donor_numbers.donor_id
    """)


def store_sexes(con: duckdb.DuckDBPyConnection) -> list[Issue]:
    """Give donors the sex they lack; where the genotypes' file says another, keep that and tell."""
    sexes = "(select donor_id, value as sex from donor_numbers where covariate = 'sex') as sexes"
    ((n_differing,),) = con.execute(f"""
        select count(*)
        from {sexes}
        inner join raw.donors as donors on sexes.donor_id = donors.donor_id
        where sexes.sex <> donors.sex
    """).fetchall()
    con.execute(f"""
        update raw.donors
        set sex = cast(sexes.sex as tinyint)
        from {sexes}
        where donors.donor_id = sexes.donor_id and donors.sex is null
    """)
    if not n_differing:
        return []
    return [Issue(code="sex_differs", n=n_differing, is_reject=False)]
