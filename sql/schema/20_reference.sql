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
    -- NULL where a gene model does not tell
    biotype varchar,
    synonyms varchar[],
    load_id integer not null
);

-- Transcripts of gene models (GTF, GFF3). One has is_canonical when the canonical_tss_pos of its
-- gene is its TSS; both marks are NULL where the file does not tell.
create table if not exists raw.transcripts (
    transcript_id varchar not null,
    transcript_version smallint,
    gene_id varchar not null,
    chrom varchar not null,
    start_pos integer not null,
    end_pos integer not null,
    strand tinyint not null,
    tss_pos integer not null,
    biotype varchar,
    is_canonical boolean,
    is_mane_select boolean,
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

create view if not exists transcripts as
select
    transcript_id,
    transcript_version,
    gene_id,
    chrom,
    start_pos,
    end_pos,
    strand,
    tss_pos,
    biotype,
    is_canonical,
    is_mane_select
from raw.transcripts;
