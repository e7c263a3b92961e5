-- Keys of the house: 1-based positions, bare contigs, upper-case alleles.
create table if not exists raw.variants (
    variant_idx uinteger not null,
    variant_id varchar not null,
    chrom varchar not null,
    pos integer not null,
    ref varchar not null,
    alt varchar not null,
    rsid varchar,
    load_id integer not null,
    -- the load that brought its genotypes; NULL when it has none
    genotype_load_id integer
);

create table if not exists raw.genes (
    gene_id varchar not null,
    gene_version smallint,
    gene_name varchar,
    chrom varchar not null,
    start_pos integer not null,
    end_pos integer not null,
    strand tinyint not null,
    tss_pos integer not null,
    canonical_tss_pos integer,
    biotype varchar not null,
    synonyms varchar[],
    load_id integer not null
);

create view if not exists variants as
select
    variant_idx,
    variant_id,
    chrom,
    pos,
    ref,
    alt,
    rsid
from raw.variants;

create view if not exists genes as
select
    gene_id,
    gene_version,
    gene_name,
    chrom,
    start_pos,
    end_pos,
    strand,
    tss_pos,
    canonical_tss_pos,
    biotype,
    synonyms
from raw.genes;
