-- One row per (variant, gene, transcript), as a file of annotations says it; rows without a gene
-- are about a regulatory feature, about no feature at all, or hold scores of the variant itself.
create table if not exists raw.annotations (
    chrom varchar not null,
    pos integer not null,
    -- NULL, and so is variant_id, where the file tells the allele in VEP's spelling only
    ref varchar,
    alt varchar,
    variant_id varchar,
    -- what the file calls the variant, when that is not its id
    uploaded_id varchar,
    -- last base of VEP's location and VEP's allele, where alt is not known; pos is its first base.
    -- The last base is NULL where none of the alleles of the line fits, or several do
    vep_end_pos integer,
    vep_allele varchar,
    gene_id varchar,
    gene_name varchar,
    transcript_id varchar,
    regulatory_id varchar,
    feature_type varchar,
    consequence_terms varchar[],
    impact varchar,
    biotype varchar,
    is_canonical boolean,
    mane_select varchar,
    protein_id varchar,
    exon varchar,
    intron varchar,
    hgvsc varchar,
    hgvsp varchar,
    protein_pos integer,
    amino_acids varchar,
    sift_prediction varchar,
    sift_score double,
    polyphen_prediction varchar,
    polyphen_score double,
    scores map(varchar, double) not null,
    -- order among the variant's rows of one load: the most severe first, and as in the file
    rank integer not null,
    file_rank integer not null,
    load_id integer not null
);

-- Variants that a file names by VEP's location and allele are found among those loaded.
create view if not exists annotations as
with trimmed as (
    select
        variant_id,
        chrom,
        pos,
        ref,
        alt,
        -- bases that VEP takes off the start: none beside an allele that begins with another base,
        -- else the first of an indel, or all that are shared (-1), and then those of the end
        unnest(
            case when ref[1] = alt[1] and length(ref) <> length(alt) then [0, 1, -1] else [0, -1] end
        ) as n_taken,
        case when n_taken < 0 then coalesce(list_max(list_filter(
            range(1, least(length(ref), length(alt)) + 1),
            lambda n: left(ref, n) = left(alt, n)
        )), 0) else n_taken end as n_start,
        case when n_taken < 0 then coalesce(list_max(list_filter(
            range(1, least(length(ref), length(alt)) - n_start + 1),
            lambda n: right(ref, n) = right(alt, n)
        )), 0) else 0 end as n_end,
        length(ref) - n_start - n_end as n_ref
    from raw.variants
    where length(ref) > 1 or length(alt) > 1
),

spelled as (
    select
        variant_id,
        chrom,
        pos as vep_pos,
        pos as vep_end_pos,
        alt as vep_allele
    from raw.variants
    where length(ref) = 1 and length(alt) = 1
    union all
    select distinct
        variant_id,
        chrom,
        pos + n_start - cast(n_ref = 0 as integer) as vep_pos,
        pos + n_start + greatest(n_ref - 1, 0) as vep_end_pos,
        coalesce(nullif(substr(alt, n_start + 1, length(alt) - n_start - n_end), ''), '-')
            as vep_allele
    from trimmed
)

select
    variant_id,
    gene_id,
    transcript_id,
    consequence_terms,
    impact,
    rank,
    gene_name,
    regulatory_id,
    feature_type,
    biotype,
    is_canonical,
    mane_select,
    protein_id,
    exon,
    intron,
    hgvsc,
    hgvsp,
    protein_pos,
    amino_acids,
    sift_prediction,
    sift_score,
    polyphen_prediction,
    polyphen_score,
    scores,
    file_rank,
    uploaded_id,
    load_id
from raw.annotations
where variant_id is not null
union all by name
select
    spelled.variant_id,
    annotations.* exclude (chrom, pos, ref, alt, variant_id, vep_end_pos, vep_allele)
from raw.annotations
left join spelled
    on
        annotations.chrom = spelled.chrom
        and annotations.pos = spelled.vep_pos
        and annotations.vep_end_pos = spelled.vep_end_pos
        and annotations.vep_allele = spelled.vep_allele
where annotations.variant_id is null;

-- What V2G scores of them: consequences for a gene.
create view if not exists raw.vep as
select
    split_part(variant_id, '_', 1) as chrom,
    cast(split_part(variant_id, '_', 2) as integer) as pos,
    split_part(variant_id, '_', 3) as ref,
    split_part(variant_id, '_', 4) as alt,
    variant_id,
    gene_id,
    transcript_id,
    consequence_terms,
    impact,
    load_id
from main.annotations
where
    variant_id is not null
    and gene_id is not null
    and consequence_terms is not null;
