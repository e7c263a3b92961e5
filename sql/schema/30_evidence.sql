-- Rows of an Open Targets evidence slice as dumped: absent numbers are 0, not NULL (staging mends it).
create table if not exists raw.evidence (
    chrom varchar not null,
    pos integer not null,
    ref varchar not null,
    alt varchar not null,
    variant_id varchar not null,
    rsid varchar,
    gene_id varchar not null,
    gene_name varchar,
    feature varchar,
    type_id varchar not null,
    source_id varchar not null,
    csq_counts integer,
    qtl_beta double,
    qtl_se double,
    qtl_pval double,
    interval_score double,
    load_id integer not null
);

-- One row per (variant, gene, feature) association; neglog10_p is kept beside p_value so that nothing underflows.
create table if not exists raw.qtl (
    chrom varchar not null,
    pos integer not null,
    ref varchar not null,
    alt varchar not null,
    variant_id varchar not null,
    rsid varchar,
    gene_id varchar not null,
    type_id varchar not null,
    source_id varchar not null,
    feature varchar not null,
    beta double,
    se double,
    p_value double,
    neglog10_p double,
    load_id integer not null
);

-- One row per (interval, gene, feature); positions 1-based, both ends inclusive.
create table if not exists raw.intervals (
    chrom varchar not null,
    start_pos integer not null,
    end_pos integer not null,
    gene_id varchar not null,
    gene_name varchar,
    type_id varchar not null,
    source_id varchar not null,
    feature varchar not null,
    score double,
    load_id integer not null
);

create table if not exists raw.source_weights (
    source_id varchar not null,
    weight double not null,
    load_id integer not null
);

-- A frozen quantile reference: steps (score_upper -> quantile) or nodes per (source, feature) and method.
create table if not exists raw.quantile_reference (
    reference_id varchar not null,
    quantile_method varchar not null,
    source_id varchar not null,
    feature varchar not null,
    score_upper double not null,
    quantile double not null,
    n_rows bigint not null
);
