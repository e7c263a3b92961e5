"""Cells that hold several values, as dbNSFP writes scores of several transcripts: ``0.1;0.3;.``

A list of as many values as there are transcripts is in their order: a row has the value at its
place. Of other lists nobody tells the transcripts: their values are loose, and become rows of the
gene. ``value_place`` is what a row knows of lists: a ``struct(n, ordinal)`` of how many values a
list by transcript has and which of them is the row's, 0 when none is; NULL when lists are not by
transcript, or not by one that the row could be of.
"""

from __future__ import annotations

from collections.abc import Mapping

from varhouse.ingest.keys import MISSING, missing_sql, number_sql, one_of_sql

NO_PLACE = "cast(null as struct(n integer, ordinal integer))"

# Lists of dbNSFP whose length is not that of its transcripts, or is so by chance; in lower case.
_NOT_BY_TRANSCRIPT = (
    "mutationtaster_score", "mutationtaster_converted_rankscore", "mutationtaster_rankscore",
    "vest3_score", "dbnsfp_popmax_ac", "allofus_popmax_ac", "allofus_popmax_an",
)  # fmt: skip

VEP_SEPARATORS = ",&"
"""What VEP's plugin writes in place of the semicolon; ``&`` where VEP uses the comma itself."""


ROW_PLACE = "struct_pack(n := cast(n_values as integer), ordinal := cast(entry as integer))"
"""``value_place`` of a row of `rows_of_transcripts_sql`."""


def rows_of_transcripts_sql(relation: str, listed: Mapping[str, str]) -> str:
    """Return a subquery with a row for each transcript that a row of ``relation`` lists.

    Where it lists none, there is a row for each gene of its list.

    Parameters
    ----------
    listed
        Names -> columns that may have a value for each transcript, such as ``transcript`` and
        ``gene``; `value_at_sql` reads them by these names.

    Returns
    -------
    str
        Everything of ``relation``, ``entry`` (1 and up in a line) and ``n_values``.
    """
    lists = ", ".join(
        f"{_split_values_sql(column)} as {_list_name(name)}" for name, column in listed.items()
    )
    numbers = [
        f"nullif(len({_list_name(name)}), 0)" for name in ("transcript", "gene") if name in listed
    ]
    n_values = f"coalesce({', '.join([*numbers, '1'])})"
    return (
        "(select *, unnest(range(1, n_values + 1)) as entry from ("
        f"select *, {lists}, {n_values} as n_values from {relation}))"
    )


def value_at_sql(name: str) -> str:
    """Return what the row of a transcript has of a list; NULL where nothing tells it."""
    values = _list_name(name)
    return (
        f"case when len({values}) = n_values then {values}[entry] "
        f"when len({values}) > 0 and not {is_unaligned_sql(name)} then {values}[1] end"
    )


def is_unaligned_sql(name: str) -> str:
    """Return whether a list has several values, and not one for each transcript."""
    values = _list_name(name)
    return f"(len({values}) <> n_values and len(list_distinct({values})) > 1)"


def _list_name(name: str) -> str:
    return f"listed_{name.lower()}"


def _split_values_sql(text: str) -> str:
    """Return the values between semicolons of a text, an empty list when it is absent."""
    kept = f"regexp_replace(trim({text}), ';$', '')"
    return (
        f"case when {missing_sql(text)} is null then cast([] as varchar[]) "
        f"else string_split({kept}, ';') end"
    )


def place_among_sql(transcripts: str, feature: str) -> str:
    """Return the ``value_place`` of a row of VEP: where its feature stands among transcripts.

    A transcript of Ensembl that is not among them has no value; one of RefSeq may have any.
    """
    split = f"string_split_regex({transcripts}, '[{VEP_SEPARATORS};]')"
    listed = f"list_transform({split}, lambda each: string_split(trim(each), '.')[1])"
    own = f"string_split(trim({feature}), '.')[1]"
    ordinal = (
        f"case when list_contains({listed}, {own}) then list_position({listed}, {own}) "
        f"when starts_with({own}, 'ENS') then 0 end"
    )
    return (
        f"case when {missing_sql(transcripts)} is not null "
        f"then struct_pack(n := cast(len({split}) as integer), "
        f"ordinal := cast({ordinal} as integer)) end"
    )


def listed_cells_sql(cells: str, separators: str) -> str:
    """Return those of ``struct(name, cell)`` that hold one of the separators."""
    return f"list_filter({cells}, lambda each: {_has_sql('each.cell', separators)})"


def own_cells_sql(cells: str, separators: str) -> str:
    """Return ``struct(name, cell)`` of the values of a row, ``.`` where a list has none for it."""
    own = (
        "case when len(parts) = 1 then parts[1] "
        f"when {_is_by_transcript_sql('each.name')} then coalesce(parts[value_place.ordinal], '.') "
        f"when {_are_numbers_sql('parts')} then '.' else each.cell end"
    )
    return (
        f"list_transform({cells}, lambda each: case when {_has_sql('each.cell', separators)} "
        f"then struct_pack(name := each.name, cell := "
        f"{_with_parts('each.cell', separators, own)}) else each end)"
    )


def loose_values_sql(cells: str, separators: str) -> str:
    """Return ``struct(name, parts)`` of the cells whose values are of no transcript in particular.

    They are lists of numbers, of which some may be absent; other lists are texts.
    """
    is_loose = (
        f"len(parts) > 1 and not {_is_by_transcript_sql('each.name')} "
        f"and {_are_numbers_sql('parts')} "
        f"and len(list_filter(parts, lambda part: isfinite({number_sql('part')}))) > 0"
    )
    loose = f"list_filter({cells}, lambda each: {_with_parts('each.cell', separators, is_loose)})"
    return (
        f"list_transform({loose}, lambda each: struct_pack(name := each.name, "
        f"parts := {_with_parts('each.cell', separators, 'parts')}))"
    )


def _has_sql(cell: str, separators: str) -> str:
    tests = " or ".join(f"contains({cell}, '{separator}')" for separator in separators)
    return f"({tests})"


def _with_parts(cell: str, separators: str, expression: str) -> str:
    """Return an expression in which ``parts`` are the values of a cell; some end in a separator."""
    split = f"string_split_regex(trim({cell}), '[{separators}]')"
    parts = (
        "list_transform([" + split + "], lambda all_parts: case when all_parts[-1] = '' "
        "and len(all_parts) is distinct from value_place.n then all_parts[:-2] "
        "else all_parts end)"
    )
    return f"list_transform({parts}, lambda parts: {expression})[1]"


def _is_by_transcript_sql(name: str) -> str:
    return (
        "(value_place.ordinal is not null and len(parts) = value_place.n "
        f"and not {one_of_sql(f'lower({name})', _NOT_BY_TRANSCRIPT)})"
    )


def _are_numbers_sql(parts: str) -> str:
    missing = one_of_sql("upper(trim(part))", (*MISSING, "NAN"))
    return (
        f"len(list_filter({parts}, lambda part: not {missing} "
        f"and not coalesce(isfinite({number_sql('part')}), false))) = 0"
    )
