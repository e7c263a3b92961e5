"""The variants that no file of annotations covers yet, as a VCF for VEP to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TextIO

import duckdb

from varhouse.export.vcf import vcf_head

_BATCH = 10_000
# Of the variants with genotypes or, where none has any, of all.
_SITES = """
    with wanted as (
        select variant_id, chrom, pos, ref, alt
        from raw.variants
        where genotype_load_id is not null
            or not exists (select 1 from raw.variants where genotype_load_id is not null)
    ),

    lacking as (
        select
            *,
            regexp_full_match(ref, '[ACGTN]+') and regexp_full_match(alt, '[ACGTN]+') as is_spelled
        from wanted
        anti join (
            select variant_id from annotations where consequence_terms is not null
        ) as annotated
            on wanted.variant_id = annotated.variant_id
    )
"""


class VepInput(NamedTuple):
    """What `write_vep_input` wrote.

    Attributes
    ----------
    n_sites
        Records written.
    n_variants
        Variants that annotations are wanted for, those that have some included.
    n_unspelled
        Variants left out because an allele is not bases (``*``, ``<DEL>``), which VEP would
        refuse or misread.
    """

    n_sites: int
    n_variants: int
    n_unspelled: int


def write_vep_input(
    con: duckdb.DuckDBPyConnection, stream: TextIO, *, contig_lengths: Mapping[str, int]
) -> VepInput:
    """Write the variants without a consequence as VCF 4.2, sorted, ``variant_id`` as ID.

    Parameters
    ----------
    con
        An open warehouse.
    stream
        Where the text goes.
    contig_lengths
        Contigs in their order -> lengths; empty where the build is not known.

    Returns
    -------
    VepInput
        How many were written, and of how many.
    """
    ((n_sites, n_unspelled, n_variants),) = con.execute(
        _SITES + "select count(*) filter (is_spelled), count(*) filter (not is_spelled), "
        "(select count(*) from wanted) from lacking"
    ).fetchall()
    stream.write(vcf_head(contig_lengths))
    stream.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    for chrom, pos, variant_id, ref, alt in _sites(con, list(contig_lengths)):
        stream.write(f"{chrom}\t{pos}\t{variant_id}\t{ref}\t{alt}\t.\t.\t.\n")
    return VepInput(n_sites, n_variants, n_unspelled)


def _sites(
    con: duckdb.DuckDBPyConnection, contigs: list[str]
) -> Iterator[tuple[str, int, str, str, str]]:
    with con.cursor() as cursor:
        cursor.execute(
            _SITES + "select chrom, pos, variant_id, ref, alt from lacking where is_spelled "
            "order by list_position(?::varchar[], chrom), chrom, pos, ref, alt",
            [contigs],
        )
        while rows := cursor.fetchmany(_BATCH):
            yield from rows
