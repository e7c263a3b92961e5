"""Variants of a genotype file: which ones can be stored, and under which ``variant_idx``."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from varhouse.ingest.arrow_tables import ArrowTables
from varhouse.ingest.builds import chromosome_end_sql
from varhouse.ingest.format import LoadOptions
from varhouse.ingest.genotypes.block import Sites
from varhouse.ingest.genotypes.filters import regions_sql
from varhouse.ingest.genotypes.tally import Tally
from varhouse.ingest.keys import chrom_sql, contig_rank_sql, rsid_sql, variant_id_sql

_PSEUDOAUTOSOMAL = "(?i)(chr)?(25|XY|PAR[12])"


def contig_sql(name: str) -> str:
    """Return `chrom_sql` of a contig, or X for PLINK's names of its pseudoautosomal regions."""
    return f"if(regexp_full_match({name}, '{_PSEUDOAUTOSOMAL}'), 'X', {chrom_sql(name)})"


class _Contigs:
    """Bare names of the contigs of a file, each looked up once: the rule is long, its plan slow."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._bare: dict[str, str | None] = {}

    def bare(self, written: list[str]) -> list[str | None]:
        """Return the contig of each name, None where it is not one of the house."""
        new = sorted(set(written) - self._bare.keys())
        if new:
            found = self._con.execute(
                f"select name, {contig_sql('name')} from (select unnest($1) as name)", [new]
            ).fetchall()
            self._bare.update(found)
        return [self._bare[name] for name in written]


def _as_table(sites: Sites, contigs: _Contigs) -> pa.Table:
    """Return the rows with contigs as the house names them."""
    return pa.table(
        {
            "place": np.arange(len(sites), dtype=np.int64),
            "record": sites.record,
            "chrom": pa.array(contigs.bare(sites.chrom), pa.string()),
            "pos": sites.pos,
            "ref": pa.array(sites.ref, pa.string()),
            "alt": pa.array(sites.alt, pa.string()),
            "name": pa.array(sites.name, pa.string()),
        }
    )


class SiteJudge:
    """Says which rows of a file can be stored, and counts the others.

    Attributes
    ----------
    places
        Of the rows of the last block that can be stored.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: ArrowTables,
        options: LoadOptions,
        tally: Tally,
    ) -> None:
        self._con = con
        self._tables = tables
        self._tally = tally
        self._contigs = _Contigs(con)
        self.places: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        beyond = "false"
        if options.build:
            beyond = f"pos > {chromosome_end_sql('chrom', options.build)}"
        self._query = f"""
            with upper_case as (
                select
                    place,
                    chrom,
                    pos,
                    upper(ref) as ref,
                    upper(alt) as alt,
                    ref in ('A', 'C', 'G', 'T') and alt in ('A', 'C', 'G', 'T') as is_snv
                from read_sites
            )

            select
                place,
                case
                    when chrom is null then 'unknown_contig'
                    when pos < 0 then 'pos_missing'
                    when pos = 0 then 'position_below_one'
                    when not {regions_sql(con, options.regions)} then 'outside_regions'
                    when is_snv then if(ref = alt, 'alleles_equal', null)
                    when alt in ('.', '0', '') then 'no_alternative_allele'
                    when alt = '*' then 'spanning_deletion'
                    when alt in ('<NON_REF>', '<*>') then 'unspecified_allele'
                    when regexp_matches(alt, '[<>\\[\\].]') then 'symbolic_allele'
                    when not {_ALLELE.format("ref")} or ref = '0' then 'ref_missing'
                    when not {_ALLELE.format("alt")} then 'alt_missing'
                    when ref = alt then 'alleles_equal'
                end as reject,
                case
                    when {beyond} then 'beyond_chromosome_end'
                    when is_snv then null
                    when regexp_matches(ref || alt, '[0-9]') then 'alleles_are_codes'
                    when not regexp_full_match(ref || alt, '[ACGTN]+') then 'allele_not_bases'
                end as note
            from upper_case
            where reject is not null or note is not null
            order by place
        """

    def __call__(self, sites: Sites) -> NDArray[np.bool_]:
        """Return which rows can be stored; see `varhouse.ingest.genotypes.block.Wanted`."""
        self._tables.show("read_sites", _as_table(sites, self._contigs))
        found = self._con.execute(self._query).fetchall()
        self._tally.see(sites)
        wanted = np.ones(len(sites), dtype=np.bool_)
        for place, reject, note in found:
            if reject is not None:
                wanted[place] = False
                self._tally.reject(place, reject)
            else:
                self._tally.note(place, note)
        self.places = np.flatnonzero(wanted)
        return wanted


# IUPAC codes and PLINK's 1 2 3 4 I D are kept, with a note.
_ALLELE = "regexp_full_match({}, '[A-Z0-9]+')"


class SiteNumbers:
    """Gives each variant of a file its place in the variant index.

    What the index has already, without genotypes, keeps its ``variant_idx``; the others are
    numbered on from its end. `varhouse.ingest.variants.renumber` puts all in order afterwards,
    which is nothing to do where the new variants come after the old ones and are sorted.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, tables: ArrowTables) -> None:
        self._con = con
        self._tables = tables
        self._contigs = _Contigs(con)
        ((self._next,),) = con.execute(
            "select coalesce(max(variant_idx) + 1, 0) from raw.variants"
        ).fetchall()
        self._is_taken = np.zeros(self._next, dtype=np.bool_)
        con.execute(
            "create or replace temp table incoming_variants(variant_idx uinteger, "
            "variant_id varchar, chrom varchar, pos integer, ref varchar, alt varchar, "
            "rsid varchar, record bigint, is_known boolean)"
        )

    def number(self, sites: Sites) -> NDArray[np.uint32]:
        """Return ``variant_idx`` of each row, all of which the judge has taken."""
        known = "cast(null as uinteger)"
        join = ""
        if len(self._is_taken):
            known = "known.variant_idx"
            # the bounds let DuckDB read the part of the index where the block lies, no more
            join = f"""
                left join (
                    select variant_idx, chrom, pos, ref, alt
                    from raw.variants
                    where genotype_load_id is null
                        and pos between {sites.pos.min()} and {sites.pos.max()}
                ) as known using (chrom, pos, ref, alt)
            """
        self._tables.show("kept_sites", _as_table(sites, self._contigs))
        rows = self._con.sql(f"""
            with keyed as (
                select
                    place,
                    record,
                    chrom,
                    cast(pos as integer) as pos,
                    upper(ref) as ref,
                    upper(alt) as alt,
                    {rsid_sql("name")} as rsid
                from kept_sites
            )

            select
                place,
                {known} as known_idx,
                {variant_id_sql("chrom", "pos", "ref", "alt")} as variant_id,
                chrom,
                pos,
                ref,
                alt,
                rsid,
                record
            from keyed
            {join}
            order by {contig_rank_sql("chrom")}, pos, ref, alt, record
        """).to_arrow_table()
        index, is_known = self._places(rows.column("known_idx"))
        numbered = rows.append_column("variant_idx", pa.array(index)).append_column(
            "is_known", pa.array(is_known)
        )
        self._tables.show("numbered_sites", numbered)
        self._con.execute(
            "insert into incoming_variants by name "
            "select * exclude (place, known_idx) from numbered_sites"
        )
        by_place = np.empty(len(sites), dtype=np.uint32)
        by_place[rows.column("place").to_numpy()] = index
        return by_place

    def _places(self, known: pa.ChunkedArray) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        """Return the index of each row and whether it was there; the second of equals is new."""
        is_known = ~known.is_null().to_numpy()
        found = np.asarray(known.fill_null(0).to_numpy(), dtype=np.int64)
        if len(self._is_taken):
            is_known &= ~self._is_taken[found]
        is_known &= _first_of(found, is_known)
        self._is_taken[found[is_known]] = True
        index = found.copy()
        n_new = int((~is_known).sum())
        index[~is_known] = np.arange(self._next, self._next + n_new)
        self._next += n_new
        return index.astype(np.uint32), is_known


def _first_of(values: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of the masked values have not occurred before among the masked ones."""
    first = np.zeros(len(values), dtype=np.bool_)
    places = np.flatnonzero(mask)
    first[places[np.unique(values[places], return_index=True)[1]]] = True
    return first
