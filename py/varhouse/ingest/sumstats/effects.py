"""Numbers of summary statistics: read, and turned to the alternative allele."""

from __future__ import annotations

from varhouse.ingest.keys import missing_sql, number_sql, variant_id_sql
from varhouse.ingest.p_values import neglog10_sql, tiny_p_sql

_INTERVAL_WIDTH = 2 * 1.959963984540054
"""Of a 95 % interval, in standard errors."""

_NUMBERS = ("beta", "odds_ratio", "ci_lower", "ci_upper", "se", "z", "af", "ac", "an", "n",
            "n_cases", "n_controls", "info")  # fmt: skip
_NO_TEXT, _NO_NUMBER = "cast(null as varchar)", "cast(null as double)"


def number_texts_sql(found: frozenset[str]) -> str:
    """Return a SELECT list of the text of every number, NULL of those that the file has not.

    What the file has not is spared the parsing, and DuckDB the planning of it.
    """
    return ", ".join(
        f"{missing_sql(name) if name in found else _NO_TEXT} as {name}_text" for name in _NUMBERS
    )


def measured_sql(found: frozenset[str]) -> str:
    """Return the query of ``oriented`` with ref, alt, the p-value and every number read."""
    numbers = ", ".join(
        f"{number_sql(name + '_text') if name in found else _NO_NUMBER} as {name}"
        for name in _NUMBERS
    )
    unreadable = [f"({name}_text is not null and {name} is null)" for name in _NUMBERS]
    return f"""
        select
            oriented.* exclude (p_cell, p_parts),
            case when is_flipped then effect else other end as ref,
            case when is_flipped then other else effect end as alt,
            case when is_flipped and test not in ('DOMDEV', 'HET') then -1 else 1 end as direction,
            coalesce(p_cell, p_parts) as p_text,
            {number_sql("p_text")} as p,
            {tiny_p_sql("p_text", "p")} as tiny,
            {number_sql("neglog10_text")} as given_neglog10,
            {numbers},
            {" or ".join(unreadable)} as is_unreadable
        from oriented
    """


# Seen from the other allele, a heterozygote is one still, and one copy at least is not two.
# The statistic of several degrees of freedom is no z.
# An odds ratio becomes its logarithm, which the standard error then is of. DuckDB raises where a
# logarithm is of 0 or below, hence the conditions.
SIGNED = f"""
    select
        * exclude (n, n_cases, af, info, test),
        case
            when is_flipped and test = 'DOM' then 'REC'
            when is_flipped and test = 'REC' then 'DOM'
            else test
        end as test,
        {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id,
        {neglog10_sql("given_neglog10", "p", "tiny")} as neglog10,
        direction * coalesce(
            case when isfinite(beta) then beta end,
            case when odds_ratio > 0 and isfinite(odds_ratio) then ln(odds_ratio) end
        ) as effect_beta,
        coalesce(
            case when se > 0 and isfinite(se) then se end,
            case
                when coalesce(isnan(se), true) and coalesce(isnan(beta), true)
                    and ci_lower > 0 and ci_upper > ci_lower and isfinite(ci_upper)
                    then (ln(ci_upper) - ln(ci_lower)) / {_INTERVAL_WIDTH}
            end
        ) as effect_se,
        coalesce(
            direction * case when isfinite(z) and not ends_with(test, 'DF') then z end,
            effect_beta / effect_se
        ) as effect_z,
        coalesce(af, least(ac, an) / nullif(greatest(ac, an), 0)) as effect_af,
        case
            when effect_af >= 0 and effect_af <= 1
                then case when is_flipped then 1 - effect_af else effect_af end
        end as af,
        coalesce(
            case when n >= 0 and isfinite(n) then n end,
            case when isfinite(n_cases) and isfinite(n_controls) then n_cases + n_controls end
        ) as n,
        case when n_cases >= 0 and isfinite(n_cases) then n_cases end as n_cases,
        case when isfinite(info) then info end as info
    from measured
"""
