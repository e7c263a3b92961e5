-- Donors of genotype files, and those that only other files name (is_genotyped is false for them).
create table if not exists raw.donors (
    donor_idx uinteger not null,
    donor_id varchar not null,
    is_genotyped boolean not null,
    -- 1 male, 2 female
    sex tinyint,
    load_id integer not null
);

-- What differs from the reference, and what is missing (dosage is NULL); a genotyped variant and
-- donor without a row is homozygous for the reference. Dosages of the alternative allele are whole
-- multiples of 1/16384, so that sums are exact. Rare variants lie apart: who asks for them only
-- never reads the common ones.
create table if not exists raw.genotypes_rare (
    variant_idx uinteger not null,
    donor_idx uinteger not null,
    dosage float
);

-- Of a common variant many donors have calls: DuckDB would choose these compressions itself, after
-- trying all of them, which takes a quarter longer. (sqlfluff cannot read `using compression`.)
create table if not exists raw.genotypes_common ( -- noqa: PRS
    variant_idx uinteger not null using compression rle,
    donor_idx uinteger not null using compression bitpacking,
    dosage float
);

-- Numbers about a donor, one row each: sex, age, principal components, ...
create table if not exists raw.covariates (
    donor_id varchar not null,
    covariate varchar not null,
    value double,
    load_id integer not null
);

create view if not exists donors as
select
    donor_idx,
    donor_id,
    is_genotyped,
    sex
from raw.donors;

create view if not exists genotypes as
select
    variant_idx,
    donor_idx,
    dosage
from raw.genotypes_rare
union all
select
    variant_idx,
    donor_idx,
    dosage
from raw.genotypes_common;

create view if not exists covariates as
select
    donor_id,
    covariate,
    value
from raw.covariates;
