"""A warehouse small enough to work out by hand, with the tables that the models make.

Weights: vep 1, eqtl 0.66, tss 0.34; denominator 2.

variant     gene  source scores      weight x score      overall  rank
1_100_A_G   AAA   eqtl 0.5, tss 1.0  0.33 + 0.34 = 0.67  0.335    1
            BBB   vep 0.66           0.66                0.33     2
            DUP4  tss 0.5            0.17                0.085    3
1_100_A_T   BBB   vep 1.0            1                   0.5      1
            AAA   tss 1.0            0.34                0.17     2
1_5000_C_T  BBB   tss 0.8            0.272               0.136    1 (tied)
            DUP4  tss 0.8            0.272               0.136    1 (tied)
1_900000_G_C is in the index and has no score.
rs1 is both alleles at 1:100. PSEU is the nearest gene of 1:100 but excluded.
"""

from __future__ import annotations

import duckdb

AAA, BBB, PSEU, DUP4, DUP5 = (f"ENSG0000000000{n}" for n in range(1, 6))

RAW = f"""
insert into load_manifest values
    (1, 'evidence', 'eqtl.tsv', 'x', 1, 'f', null, 'GRCh37', 1, 1, 0, map {{}}, '0', now()),
    (2, 'vep', 'vep.jsonl', 'x', 1, 'f', null, 'GRCh37', 1, 1, 0, map {{}}, '0', now());
insert into raw.variants
    (variant_idx, variant_id, chrom, pos, ref, alt, rsid, load_id)
values
    (0, '1_100_A_G', '1', 100, 'A', 'G', 'rs1', 1),
    (1, '1_100_A_T', '1', 100, 'A', 'T', 'rs1', 1),
    (2, '1_5000_C_T', '1', 5000, 'C', 'T', 'rs2', 1),
    (3, '1_900000_G_C', '1', 900000, 'G', 'C', 'rs3', 1);
insert into raw.genes values
    ('{AAA}', 4, 'AAA', '1', 150, 400, 1, 150, 250, 'protein_coding', ['OLDNAME'], 1),
    ('{BBB}', 1, 'BBB', '1', 1100, 1400, 1, 1100, null, 'protein_coding', [], 1),
    ('{PSEU}', 1, 'PSEU', '1', 90, 95, 1, 90, null, 'pseudogene', [], 1),
    ('{DUP4}', 1, 'DUP', '1', 2000, 2500, 1, 2000, null, 'protein_coding', [], 1),
    ('{DUP5}', 1, 'DUP', '1', 300000, 300100, 1, 300000, null, 'protein_coding', [], 1);
insert into raw.evidence values
    ('1', 100, 'A', 'G', '1_100_A_G', 'rs1', '{AAA}', 'AAA', 'Liver', 'eqtl', 'eqtl',
        0, 0.2, 0.1, 0.001, 0, 1),
    ('1', 100, 'A', 'G', '1_100_A_G', 'rs1', 'ENSG00000999999', 'LOST', 'Liver', 'eqtl', 'eqtl',
        0, 0.2, 0.1, 0.001, 0, 1);
insert into raw.annotations
    (chrom, pos, ref, alt, variant_id, gene_id, consequence_terms, scores, rank, file_rank, load_id)
values
    ('1', 100, 'A', 'G', '1_100_A_G', '{BBB}', ['missense_variant'], map {{}}, 1, 1, 2),
    ('1', 100, 'A', 'T', '1_100_A_T', '{BBB}', ['stop_gained'], map {{}}, 1, 1, 2);
"""

RESULTS = f"""
create table v2g_source_weights as
from (values ('vep', 'vep', 1.0::double), ('eqtl', 'eqtl', 0.66::double),
    ('tss', 'distance', 0.34::double)) as t (source_id, type_id, weight);
create table v2g_source_scores as
select t.*, w.weight from (values
    ('1_100_A_G', '{AAA}', 'eqtl', 0.5::double, 'Liver'),
    ('1_100_A_G', '{AAA}', 'tss', 1.0::double, 'unspecified'),
    ('1_100_A_G', '{BBB}', 'vep', 0.66::double, 'unspecified'),
    ('1_100_A_G', '{DUP4}', 'tss', 0.5::double, 'unspecified'),
    ('1_100_A_T', '{AAA}', 'tss', 1.0::double, 'unspecified'),
    ('1_100_A_T', '{BBB}', 'vep', 1.0::double, 'unspecified'),
    ('1_5000_C_T', '{BBB}', 'tss', 0.8::double, 'unspecified'),
    ('1_5000_C_T', '{DUP4}', 'tss', 0.8::double, 'unspecified')
) as t (variant_id, gene_id, source_id, score, feature)
inner join v2g_source_weights as w using (source_id);
create table v2g_scores as
select *, 2.0::double as denominator, 'default' as profile_id, 'dataset' as reference_id
from (values
    ('1_100_A_G', '{AAA}', 0.335::double, 1, 2),
    ('1_100_A_G', '{BBB}', 0.33::double, 2, 1),
    ('1_100_A_G', '{DUP4}', 0.085::double, 3, 1),
    ('1_100_A_T', '{BBB}', 0.5::double, 1, 1),
    ('1_100_A_T', '{AAA}', 0.17::double, 2, 1),
    ('1_5000_C_T', '{BBB}', 0.136::double, 1, 1),
    ('1_5000_C_T', '{DUP4}', 0.136::double, 1, 1)
) as t (variant_id, gene_id, overall_score, rank, n_sources);
create table v2g_evidence (
    variant_id varchar, gene_id varchar, type_id varchar, source_id varchar, feature varchar,
    score double, quantile double, detail varchar, beta double, se double, p_value double,
    load_id integer
);
insert into v2g_evidence values
    ('1_100_A_G', '{AAA}', 'eqtl', 'eqtl', 'Liver', 3.0, 0.5, null, 0.2, 0.1, 0.001, 1),
    ('1_100_A_G', '{AAA}', 'eqtl', 'eqtl', 'Brain', 2.0, 0.4, null, 0.1, 0.1, 0.01, 1),
    ('1_100_A_G', '{BBB}', 'vep', 'vep', 'unspecified', 0.33, 0.33, 'intron_variant',
        null, null, null, 2),
    ('1_100_A_G', '{BBB}', 'vep', 'vep', 'unspecified', 0.66, 0.66, 'missense_variant',
        null, null, null, 2),
    ('1_100_A_T', '{BBB}', 'vep', 'vep', 'unspecified', 1.0, 1.0, 'stop_gained',
        null, null, null, 2);
insert into v2g_evidence
select variant_id, gene_id, 'distance', 'tss', 'unspecified', 0.01, score, null, null, null,
    null, null
from v2g_source_scores where source_id = 'tss';
create table v2g_profile as
from (values ('distance', 'True', true), ('max_distance', '500000', true), ('tss', 'gene', true))
    as t (option, value, is_default);
create table v2g_excluded_genes as
select '{PSEU}' as gene_id, 'pseudogene' as biotype, 'biotype excluded by deny_page' as reason;
create table v2g_cut_points as
from (values ('percent_rank', 'eqtl', 'Liver', 1.0::double, 0.0::double, 20::bigint),
    ('percent_rank', 'eqtl', 'Liver', 3.0::double, 0.5::double, 20::bigint))
    as t (quantile_method, source_id, feature, score_upper, quantile, n_rows);
"""


def rows(con: duckdb.DuckDBPyConnection, query: str, *params: object) -> list[dict[str, object]]:
    """Run a query and return its rows as dictionaries."""
    return con.sql(query, params=list(params) or None).to_arrow_table().to_pylist()
