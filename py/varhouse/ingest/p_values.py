"""SQL expressions that read a p-value from its text, so that none is lost below the doubles.

A p-value such as ``1e-400``, which a double holds as 0, keeps its -log10 of 400; a p-value of
exactly 0 counts as the smallest double, 5e-324.
"""

from __future__ import annotations

NEGLOG10_OF_ZERO = 323.3062153431158
"""-log10 of 5e-324, the smallest double: what a p-value of 0 counts as."""

# Below this a double loses digits, then everything: the text is read instead.
_SMALLEST_TRUSTED_P = 1e-300
# A minus stands before zeros only: 1 - 1 may leave -0.0.
_TINY_P = r"^\+?([0-9]+\.?[0-9]*|\.[0-9]+|-0*\.?0*)(?:[eE]([+-]?[0-9]+))?$"


def tiny_p_sql(p_text: str, p: str) -> str:
    """Return ``struct(mantissa, exponent)`` of a p-value below the doubles, as text, else NULL."""
    return (
        f"case when {p} < {_SMALLEST_TRUSTED_P} then "
        f"regexp_extract({p_text}, '{_TINY_P}', ['mantissa', 'exponent']) end"
    )


def neglog10_sql(given: str, p: str, tiny: str) -> str:
    """Return -log10 of a p-value: as given, of the double, or of the text that `tiny_p_sql` read.

    NULL when there is none, or when its text is neither a double nor mantissa and exponent.
    """
    mantissa = f"try_cast({tiny}.mantissa as double)"
    exponent = f"try_cast(coalesce(nullif({tiny}.exponent, ''), '0') as integer)"
    return f"""case
        when not isnan({given}) then {given}
        when {p} >= {_SMALLEST_TRUSTED_P} and not isnan({p}) then 0.0 - log10({p})
        when {mantissa} > 0 then 0.0 - {exponent} - log10({mantissa})
        when {mantissa} = 0 and not regexp_matches({tiny}.mantissa, '[1-9]')
            then {NEGLOG10_OF_ZERO}
    end"""
