"""The variant sets of the rare-variant tests, for regenie [1]_ and SAIGE-GENE+ [2]_.

Both tools give a variant one annotation for a gene and define a mask as a list of annotations. A
variant here can be in several masks: its annotation is their names with ``+`` between them, and a
mask is the list of all annotations that name it. Frequency cut-offs are left to the tools.

References
----------
.. [1] https://rgcgithub.github.io/regenie/options/#gene-based-testing
.. [2] https://saigegit.github.io/SAIGE-doc/docs/set_step2.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import duckdb

from varhouse.errors import DataError, UsageError
from varhouse.output import whole_file

_BATCH = 10_000
_TABLES = ("int_rvat__asked", "int_rvat__pairs", "int_rvat__genes", "int_rvat__variants")

# A set of another design or cut-off that has the variant counts too.
_MEMBERS = """
    create or replace temp table exported_members as
    with masks as (
        select distinct set_idx, mask
        from int_rvat__asked
    ),

    members as (
        select distinct pairs.gene_idx, pairs.variant_idx, masks.mask
        from int_rvat__pairs as pairs
        inner join masks
            on pairs.in_sets[masks.set_idx + 1]
    ),

    -- a load after the tests numbers the variants anew
    built as (
        select distinct variant_idx, variant_id
        from int_rvat__variants
    )

    select
        genes.gene_id,
        genes.chrom,
        variants.pos,
        variants.ref,
        variants.alt,
        variants.variant_id,
        list(members.mask order by members.mask) as masks
    from members
    inner join int_rvat__genes as genes
        on members.gene_idx = genes.gene_idx
    inner join built
        on members.variant_idx = built.variant_idx
    inner join raw.variants as variants
        on built.variant_id = variants.variant_id
    group by all
"""


class SetsWritten(NamedTuple):
    """What was written.

    Attributes
    ----------
    masks
        Mask -> the annotations that it takes.
    """

    n_genes: int
    n_members: int
    masks: dict[str, list[str]]


class _Member(NamedTuple):
    gene_id: str
    chrom: str
    pos: int
    ref: str
    alt: str
    variant_id: str
    masks: list[str]

    @property
    def annotation(self) -> str:
        return _annotation(self.masks)


def write_regenie_sets(con: duckdb.DuckDBPyConnection, prefix: Path) -> SetsWritten:
    """Write ``prefix.annotations.txt``, ``prefix.sets.txt`` and ``prefix.masks.txt``.

    They are for ``--anno-file``, ``--set-list`` and ``--mask-def``; variants are named by
    ``variant_id``, as in the genotypes that varhouse exports.

    Raises
    ------
    UsageError
        The rare-variant models are not built, two masks are spelled alike in these files, or the
        folder does not exist.
    DataError
        No gene has a variant.
    """
    n_genes = n_members = 0
    with ExitStack() as stack:
        found = stack.enter_context(_collected(con))
        annotations, sets, masks = (
            stack.enter_context(
                stack.enter_context(whole_file(prefix.with_name(f"{prefix.name}.{what}.txt"))).open(
                    "w", encoding="utf-8", newline="\n"
                )
            )
            for what in ("annotations", "sets", "masks")
        )
        for gene, members in _genes(con):
            for member in members:
                annotations.write(f"{member.variant_id}\t{gene}\t{member.annotation}\n")
            first = members[0]
            names = ",".join(member.variant_id for member in members)
            sets.write(f"{gene}\t{_number(first.chrom)}\t{first.pos}\t{names}\n")
            n_genes += 1
            n_members += len(members)
        for mask, taken in found.items():
            masks.write(f"{mask}\t{','.join(taken)}\n")
    return SetsWritten(n_genes, n_members, found)


def write_saige_groups(con: duckdb.DuckDBPyConnection, out: Path) -> SetsWritten:
    """Write the group file of SAIGE-GENE+: two lines a gene, ``var`` and ``anno``.

    Variants are named ``chrom:pos:ref:alt``, as SAIGE names them itself.

    Raises
    ------
    UsageError
        The rare-variant models are not built, two masks are spelled alike in these files, or the
        folder does not exist.
    DataError
        No gene has a variant.
    """
    n_genes = n_members = 0
    with (
        _collected(con) as found,
        whole_file(out) as part,
        part.open("w", encoding="utf-8", newline="\n") as stream,
    ):
        for gene, members in _genes(con):
            names = " ".join(f"{m.chrom}:{m.pos}:{m.ref}:{m.alt}" for m in members)
            annotations = " ".join(member.annotation for member in members)
            stream.write(f"{gene} var {names}\n{gene} anno {annotations}\n")
            n_genes += 1
            n_members += len(members)
    return SetsWritten(n_genes, n_members, found)


@contextmanager
def _collected(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, list[str]]]:
    """Have ``exported_members`` for a block; yield the annotations of each mask."""
    built = {
        row[0]
        for row in con.execute(
            "select table_name from information_schema.tables where table_schema = 'main'"
        ).fetchall()
    }
    missing = [name for name in _TABLES if name not in built]
    if missing:
        raise UsageError(
            f"the rare-variant tests are not built ({missing[0]} is missing); run varhouse rvat."
        )
    con.execute(_MEMBERS)
    try:
        yield _annotations(con)
    finally:
        con.execute("drop table temp.exported_members")


def _annotations(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return the annotations of each mask, both spelled as in the files."""
    rows = con.execute("select distinct masks from exported_members order by 1").fetchall()
    if not rows:
        raise DataError(
            "no gene of the rare-variant tests has a variant; raise max_maf or cis_window_bp and "
            "run varhouse rvat again."
        )
    names = {mask for (masks,) in rows for mask in masks}
    if len({_word(mask) for mask in names}) < len(names):
        raise UsageError(
            f"masks {', '.join(sorted(names))}: two are the same name where blanks, commas, colons "
            "and plus signs are written as _; rename one in the var masks."
        )
    found: dict[str, list[str]] = {}
    for (masks,) in rows:
        for mask in masks:
            found.setdefault(_word(mask), []).append(_annotation(masks))
    return dict(sorted(found.items()))


def _genes(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, list[_Member]]]:
    for gene, members in groupby(_members(con), key=attrgetter("gene_id")):
        yield gene, list(members)


def _members(con: duckdb.DuckDBPyConnection) -> Iterator[_Member]:
    # not on a cursor, which would not see the temporary table
    found = con.execute("from exported_members order by chrom, gene_id, pos, ref, alt")
    while rows := found.fetchmany(_BATCH):
        yield from (_Member(*row) for row in rows)


def _annotation(masks: list[str]) -> str:
    return "+".join(map(_word, masks))


def _word(mask: str) -> str:
    """Return a name without what separates names in the files."""
    return re.sub(r"[\s,;:+]+", "_", mask)


def _number(chrom: str) -> str:
    # regenie knows chromosomes by number
    return {"X": "23", "Y": "24", "MT": "26"}.get(chrom, chrom)
