-- Summary statistics under the column names of other tools, for their readers and scripts. All have
-- study_id, trait_id and gene_id beside those; the effect allele is alt. Rows without a position
-- are left out, and where the tool has no column for the test, those of other tests than ADD.
-- Counts are whole as there.

-- regenie, step 2
create view if not exists as_regenie as
select
    case chrom when 'X' then '23' when 'Y' then '24' when 'MT' then '26' else chrom end as "CHROM",
    pos as "GENPOS",
    coalesce(rsid, variant_id) as "ID",
    ref as "ALLELE0",
    alt as "ALLELE1",
    af as "A1FREQ",
    info as "INFO",
    cast(round(n) as bigint) as "N",
    test as "TEST",
    beta as "BETA",
    se as "SE",
    z * z as "CHISQ",
    log10p as "LOG10P",
    cast(null as varchar) as "EXTRA",
    study_id,
    trait_id,
    gene_id
from raw.sumstats
where pos is not null;

-- SAIGE, single variants. The score statistic and its variance follow from beta and se.
create view if not exists as_saige as
select
    chrom as "CHR",
    pos as "POS",
    coalesce(rsid, variant_id) as "MarkerID",
    ref as "Allele1",
    alt as "Allele2",
    case when chrom not in ('X', 'Y', 'MT') then 2 * n * af end as "AC_Allele2",
    af as "AF_Allele2",
    cast(null as double) as "MissingRate",
    info as "imputationInfo",
    beta as "BETA",
    se as "SE",
    beta / (se * se) as "Tstat",
    1 / (se * se) as "var",
    p_value as "p.value",
    cast(round(n) as bigint) as "N",
    cast(round(n_cases) as bigint) as "N_case",
    cast(round(n - n_cases) as bigint) as "N_ctrl",
    study_id,
    trait_id,
    gene_id
from raw.sumstats
where
    pos is not null
    and test = 'ADD';

-- tensorQTL, cis_nominal. Who carries the minor allele is not in summary statistics.
create view if not exists as_tensorqtl as
select
    coalesce(sumstats.trait_id, sumstats.gene_id) as phenotype_id,
    sumstats.variant_id,
    sumstats.pos - genes.tss_pos as start_distance,
    sumstats.af,
    cast(null as bigint) as ma_samples,
    case
        when sumstats.chrom not in ('X', 'Y', 'MT')
            then cast(round(2 * sumstats.n * least(sumstats.af, 1 - sumstats.af)) as bigint)
    end as ma_count,
    sumstats.p_value as pval_nominal,
    sumstats.beta as slope,
    sumstats.se as slope_se,
    sumstats.study_id,
    sumstats.trait_id,
    sumstats.gene_id
from raw.sumstats
left join raw.genes
    on sumstats.gene_id = genes.gene_id
where
    sumstats.pos is not null
    and sumstats.test = 'ADD'
    and (sumstats.trait_id is not null or sumstats.gene_id is not null);

-- PLINK 2, .glm.linear; NEG_LOG10_P stands for P where that is below the doubles
create view if not exists as_plink2 as
select
    chrom as "#CHROM",
    pos as "POS",
    coalesce(rsid, variant_id) as "ID",
    ref as "REF",
    alt as "ALT",
    alt as "A1",
    ref as "OMITTED",
    af as "A1_FREQ",
    info as "MACH_R2",
    test as "TEST",
    cast(round(n) as bigint) as "OBS_CT",
    beta as "BETA",
    se as "SE",
    z as "T_STAT",
    p_value as "P",
    '.' as "ERRCODE",
    log10p as "NEG_LOG10_P",
    study_id,
    trait_id,
    gene_id
from raw.sumstats
where pos is not null;

-- GWAS-SSF of the GWAS Catalog, whose alleles are bases
create view if not exists as_ssf as
select
    cast(
        case chrom when 'X' then '23' when 'Y' then '24' when 'MT' then '25' else chrom end
        as integer
    ) as chromosome,
    pos as base_pair_location,
    alt as effect_allele,
    ref as other_allele,
    beta,
    se as standard_error,
    af as effect_allele_frequency,
    p_value,
    concat_ws('_', chromosome, pos, ref, alt) as variant_id,
    -- FinnGen has several at some places
    split_part(rsid, ',', 1) as rsid,
    'OA' as ref_allele,
    log10p as neg_log_10_p_value,
    info,
    cast(round(n) as bigint) as n,
    cast(round(n_cases) as bigint) as n_cases,
    cast(round(n - n_cases) as bigint) as n_controls,
    study_id,
    trait_id,
    gene_id
from raw.sumstats
where
    pos is not null
    and test = 'ADD'
    and regexp_full_match(ref || alt, '[ACGT]+');
