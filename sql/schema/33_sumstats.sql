-- One row per association of a study: variant, molecular trait (NULL in a GWAS) and test. The effect
-- allele is alt. variant_id is NULL for a variant that is known by rsid only and not in the index.
create table if not exists raw.sumstats (
    study_id varchar not null,
    variant_id varchar,
    chrom varchar,
    pos integer,
    ref varchar not null,
    alt varchar not null,
    rsid varchar,
    -- of a molecular trait: what it is called, and its gene
    trait_id varchar,
    gene_id varchar,
    beta double,
    se double,
    z double,
    p_value double,
    -- -log10 of the p-value, also where p_value is below the doubles
    log10p double,
    n double,
    n_cases double,
    -- of alt
    af double,
    info double,
    test varchar not null,
    -- what told ref from alt: 'variant index', 'file', or 'assumed' (the other allele is ref)
    alleles_from varchar not null,
    load_id integer not null
);

create view if not exists sumstats as
select
    study_id,
    variant_id,
    chrom,
    pos,
    ref,
    alt,
    rsid,
    trait_id,
    gene_id,
    beta,
    se,
    z,
    p_value,
    log10p,
    n,
    n_cases,
    af,
    info,
    test,
    alleles_from
from raw.sumstats;
