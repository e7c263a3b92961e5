"""Make evidence of any size: the layout of ``raw.evidence``, the proportions of real slices.

Real slices (FTO, 265 k rows) are 55 % promoter capture Hi-C, 44 % VEP, under 1 % eQTL; the whole
genome of the production release had about fourteen rows a variant and far more eQTL. The mix here
lies between: 60 % intervals, 25 % eQTL over 48 tissues, 15 % VEP. What decides the cost is kept:

- interval scores belong to a fragment and repeat over its variants, so a (source, feature) group
  has far fewer distinct scores than rows; eQTL p-values are nearly all distinct;
- every VEP row stands twice, and most consequence terms score 0;
- some genes are of biotypes that are excluded; absent numbers are 0, not NULL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# GRCh37 autosome lengths in Mb (Genome Reference Consortium), rounded up.
AUTOSOME_MB = (
    *(250, 244, 199, 192, 181, 172, 160, 147, 142, 136, 136),
    *(134, 116, 108, 103, 91, 82, 79, 60, 64, 49, 52),
)
N_GENES = 20_000
N_HIC_FEATURES = 30
N_TISSUES = 48
ROWS_PER_VARIANT = 13
VARIANTS_PER_FRAGMENT = 60
# Share of genes by biotype; the last three are on the document's deny list.
BIOTYPES = {
    "protein_coding": 0.66,
    "lincRNA": 0.15,
    "antisense": 0.09,
    "processed_pseudogene": 0.06,
    "unprocessed_pseudogene": 0.03,
    "snRNA": 0.01,
}
DENIED_BIOTYPES = ("processed_pseudogene", "unprocessed_pseudogene", "snRNA")
# Share of VEP rows by term and the score the linked map gives it; shares as in the FTO slice.
VEP_TERMS = {
    "intron_variant": (0.62, 0.0),
    "upstream_gene_variant": (0.12, 0.0),
    "downstream_gene_variant": (0.12, 0.0),
    "non_coding_transcript_exon_variant": (0.05, 0.0),
    "3_prime_UTR_variant": (0.04, 0.0),
    "5_prime_UTR_variant": (0.01, 0.0),
    "splice_region_variant": (0.01, 0.33),
    "synonymous_variant": (0.01, 0.33),
    "missense_variant": (0.016, 0.66),
    "splice_donor_variant": (0.002, 1.0),
    "stop_gained": (0.002, 1.0),
}
# The document's weights; a source without evidence still counts in the denominator.
WEIGHTS = {
    "vep": 1.0,
    "gtex_v7": 0.66,
    "sun2018": 0.66,
    "javierre2016": 0.33,
    "andersson2014": 0.33,
    "thurman2012": 0.33,
    "canonical_tss": 0.33,
}


def arrow_table(**columns: NDArray[Any]) -> pa.Table:
    """Make an Arrow table of named arrays, for DuckDB to read."""
    return pa.table({name: pa.array(values) for name, values in columns.items()})


class Links(NamedTuple):
    """Rows of one source as numbers: dense variant and gene index, feature index, score."""

    variant: NDArray[np.int64]
    gene: NDArray[np.int64]
    feature: NDArray[np.int64]
    value: NDArray[np.float64]


def make_evidence(folder: Path, *, n_rows: int, seed: int) -> None:
    """Write ``evidence``, ``variants`` and ``genes`` parquet files of ``n_rows`` evidence rows.

    Parameters
    ----------
    folder
        Existing folder for the three files.
    n_rows
        Evidence rows wanted; the files hold exactly as many.
    seed
        Seed of the generator: the same seed and size give the same rows.
    """
    rng = np.random.default_rng(seed)
    n_variants = max(n_rows // ROWS_PER_VARIANT, 1_000)
    genome_bp = sum(AUTOSOME_MB) * 1_000_000
    variant_at = np.unique(rng.integers(0, genome_bp, n_variants))
    tss_at = np.sort(rng.integers(0, genome_bp, N_GENES))
    nearest = np.clip(np.searchsorted(tss_at, variant_at), 0, N_GENES - 1)
    n_eqtl, n_vep = n_rows // 4, n_rows * 15 // 100 // 2 * 2
    n_small = n_rows // 100
    n_hic = n_rows - n_eqtl - n_vep - 2 * n_small
    sources = (
        (
            "pchic",
            "javierre2016",
            "hic_cell_",
            _fragment_links(rng, nearest, n_hic, N_HIC_FEATURES),
        ),
        ("dhscor", "thurman2012", "unspecified", _fragment_links(rng, nearest, n_small, 1)),
        ("fantom5", "andersson2014", "aggregate", _fragment_links(rng, nearest, n_small, 1)),
        ("eqtl", "gtex_v7", "tissue_", _eqtl_links(rng, nearest, n_eqtl)),
        ("vep", "vep", "", _vep_links(rng, nearest, n_vep)),
    )
    with duckdb.connect(config={"python_enable_replacements": False}) as con:
        _write_variants_and_genes(con, folder, rng, variant_at, tss_at)
        _write_evidence(con, folder, sources)


def _near(rng: np.random.Generator, gene: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move each gene a few places up or down the genome, most by none or one."""
    step = rng.geometric(0.45, gene.size) - 1
    sign = rng.choice(np.array([-1, 1]), gene.size)
    return np.clip(gene + sign * step, 0, N_GENES - 1)


def _fragment_links(
    rng: np.random.Generator, nearest: NDArray[np.int64], n_rows: int, n_features: int
) -> Links:
    """Contacts of fragments: all variants of a fragment share gene, feature and score."""
    n_variants = nearest.size
    n_fragments = n_variants // VARIANTS_PER_FRAGMENT + 1
    n_contacts = int(n_rows / VARIANTS_PER_FRAGMENT * 1.5) + n_fragments
    keys = np.empty(0, dtype=np.int64)
    while keys.size * (VARIANTS_PER_FRAGMENT - 1) < n_rows + n_rows // 4 + 60 * n_features:
        fragment = rng.integers(0, n_fragments, n_contacts)
        middle = np.minimum(fragment * VARIANTS_PER_FRAGMENT, n_variants - 1)
        gene = _near(rng, nearest[middle])
        feature = rng.integers(0, n_features, n_contacts)
        drawn = (fragment * N_GENES + gene) * n_features + feature
        keys = np.unique(np.concatenate([keys, drawn]))
    keys = np.sort(rng.permutation(keys))
    score = 5.0 + rng.exponential(3.0, keys.size)
    contact = np.repeat(np.arange(keys.size), VARIANTS_PER_FRAGMENT)
    place = np.tile(np.arange(VARIANTS_PER_FRAGMENT), keys.size)
    pair, feature = np.divmod(keys, n_features)
    fragment, gene = np.divmod(pair, N_GENES)
    variant = fragment[contact] * VARIANTS_PER_FRAGMENT + place
    rows = np.flatnonzero(variant < n_variants)
    kept = np.sort(rng.choice(rows, n_rows, replace=False))
    return Links(variant[kept], gene[contact[kept]], feature[contact[kept]], score[contact[kept]])


def _eqtl_links(rng: np.random.Generator, nearest: NDArray[np.int64], n_rows: int) -> Links:
    """Draw associations with p from 1e-5 down to 1e-200, four significant digits as in files."""
    n_pairs = max(n_rows // 6, 1)
    keys = np.empty(0, dtype=np.int64)
    while keys.size < n_rows:
        variant = np.repeat(rng.integers(0, nearest.size, n_pairs), 8)
        gene = np.repeat(_near(rng, nearest[variant[::8]]), 8)
        tissue = rng.integers(0, N_TISSUES, variant.size)
        keys = np.unique(np.concatenate([keys, (variant * N_GENES + gene) * N_TISSUES + tissue]))
    keys = np.sort(rng.choice(keys, n_rows, replace=False))
    pair, tissue = np.divmod(keys, N_TISSUES)
    variant, gene = np.divmod(pair, N_GENES)
    exponent = np.minimum(5 + rng.exponential(8.0, n_rows), 200).astype(np.int64)
    p_value = rng.integers(1_000, 10_000, n_rows) / 1_000.0 * 10.0 ** -exponent.astype(np.float64)
    return Links(variant, gene, tissue, p_value)


def _vep_links(rng: np.random.Generator, nearest: NDArray[np.int64], n_rows: int) -> Links:
    """Consequence terms of the overlapping gene; the whole block is written twice."""
    share = np.array([share for share, _ in VEP_TERMS.values()])
    keys = np.empty(0, dtype=np.int64)
    n_terms = share.size
    while keys.size < n_rows // 2:
        variant = rng.integers(0, nearest.size, n_rows)
        gene = np.clip(nearest[variant] - rng.integers(0, 3, n_rows), 0, N_GENES - 1)
        term = rng.choice(n_terms, n_rows, p=share / share.sum())
        keys = np.unique(np.concatenate([keys, (variant * N_GENES + gene) * n_terms + term]))
    keys = np.repeat(np.sort(rng.choice(keys, n_rows // 2, replace=False)), 2)
    pair, term = np.divmod(keys, n_terms)
    variant, gene = np.divmod(pair, N_GENES)
    return Links(variant, gene, term, np.zeros(keys.size))


def _write_variants_and_genes(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    rng: np.random.Generator,
    variant_at: NDArray[np.int64],
    tss_at: NDArray[np.int64],
) -> None:
    ends = np.cumsum(np.array(AUTOSOME_MB, dtype=np.int64)) * 1_000_000
    starts = np.concatenate([[0], ends[:-1]])
    bases = np.array(["A", "C", "G", "T"])
    ref = rng.integers(0, 4, variant_at.size)
    alt = (ref + rng.integers(1, 4, variant_at.size)) % 4
    chrom = np.searchsorted(ends, variant_at, side="right")
    con.register(
        "drawn_variants",
        arrow_table(
            chrom=chrom + 1, pos=variant_at - starts[chrom] + 1, ref=bases[ref], alt=bases[alt]
        ),
    )
    con.execute("""
        create table variants as
        select
            (row_number() over () - 1)::uinteger as variant_idx,
            concat_ws('_', chrom, pos, ref, alt) as variant_id,
            chrom::varchar as chrom,
            pos::integer as pos,
            ref,
            alt,
            'rs' || (row_number() over ())::varchar as rsid
        from drawn_variants
    """)
    chrom = np.searchsorted(ends, tss_at, side="right")
    biotype = rng.choice(np.array(list(BIOTYPES)), tss_at.size, p=np.array(list(BIOTYPES.values())))
    con.register(
        "drawn_genes",
        arrow_table(
            chrom=chrom + 1,
            tss=tss_at - starts[chrom] + 1,
            length=rng.integers(500, 100_000, tss_at.size),
            strand=rng.choice(np.array([-1, 1]), tss_at.size),
            biotype=biotype,
        ),
    )
    con.execute("""
        create table genes as
        select
            row_number() over () - 1 as gene_idx,
            format('ENSG{:011d}', row_number() over ()) as gene_id,
            'GENE' || (row_number() over ())::varchar as gene_name,
            chrom::varchar as chrom,
            (if(strand = 1, tss, greatest(tss - length, 1)))::integer as start_pos,
            (if(strand = 1, tss + length, tss))::integer as end_pos,
            strand::tinyint as strand,
            tss::integer as tss_pos,
            biotype
        from drawn_genes
    """)
    con.table("variants").write_parquet(str(folder / "variants.parquet"))
    con.table("genes").write_parquet(str(folder / "genes.parquet"))


def _write_evidence(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    sources: tuple[tuple[str, str, str, Links], ...],
) -> None:
    con.execute("""
        create table links (
            source_no integer, variant bigint, gene bigint, feature bigint, value double
        )
    """)
    con.execute("""
        create table source (
            source_no integer, type_id varchar, source_id varchar, prefix varchar
        )
    """)
    con.execute("create table term (feature bigint, name varchar)")
    con.executemany("insert into term values (?, ?)", list(enumerate(VEP_TERMS)))
    for number, (type_id, source_id, prefix, links) in enumerate(sources):
        con.execute("insert into source values (?, ?, ?, ?)", [number, type_id, source_id, prefix])
        con.register("drawn", arrow_table(**links._asdict()))
        con.execute(
            "insert into links select ?, variant, gene, feature, value from drawn", [number]
        )
        con.unregister("drawn")
    con.execute(f"""
        copy (
            select
                variants.chrom,
                variants.pos,
                variants.ref,
                variants.alt,
                variants.variant_id,
                variants.rsid,
                genes.gene_id,
                genes.gene_name,
                case
                    when source.type_id = 'vep' then term.name
                    when source.prefix[-1] = '_' then source.prefix || links.feature
                    else source.prefix
                end as feature,
                source.type_id,
                source.source_id,
                (case when source.type_id = 'vep' then 1 else 0 end)::integer as csq_counts,
                case when source.type_id = 'eqtl' then 0.3 else 0 end::double as qtl_beta,
                case when source.type_id = 'eqtl' then 0.05 else 0 end::double as qtl_se,
                case when source.type_id = 'eqtl' then links.value else 0 end as qtl_pval,
                case
                    when source.type_id not in ('eqtl', 'vep') then links.value
                    else 0
                end as interval_score
            from links
            inner join source using (source_no)
            inner join variants on links.variant = variants.variant_idx
            inner join genes on links.gene = genes.gene_idx
            left join term on links.feature = term.feature
            order by links.source_no, links.variant, links.gene, links.feature
        ) to '{folder / "evidence.parquet"}' (format parquet, row_group_size 500_000)
    """)
