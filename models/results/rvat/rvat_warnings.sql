-- What a reader of the rare-variant tests should know about weights, sets, genes and covariates.
{%- set chosen = var_list('rvat_genes') %}
with pairs as (
    select
        gene_idx,
        variant_idx,
        weights,
        in_sets
    from {{ ref('int_rvat__pairs') }}
),

tested_pairs as (
    select
        gene_idx,
        variant_idx,
        weights
    from pairs
    where list_contains(in_sets, true)
),

weights as (
    {% for weight in var_list('weights') -%}
    select
        '{{ weight | replace("'", "''") }}' as weight,
        gene_idx,
        variant_idx,
        weights[{{ loop.index }}] as value
    from tested_pairs
    {% if not loop.last -%}
    union all
    {% endif -%}
    {%- endfor %}
),

-- a pair is one, however many designs it is tested in
judged as (
    select
        weight,
        gene_idx,
        variant_idx,
        coalesce(bool_or(value < 0), false) as is_negative,
        bool_or(value is null or isnan(value)) as is_missing
    from weights
    group by weight, gene_idx, variant_idx
),

weight_counts as (
    select
        weight,
        count(*) filter (where is_negative) as n_negative,
        count(*) filter (where is_missing) as n_missing
    from judged
    group by weight
),

sets as (
    {% for each in rvat_sets() -%}
    select
        '{{ each["mask"] | replace("'", "''") }} < {{ each["max_maf"] }}' as name,
        count(*) filter (where in_sets[{{ loop.index }}]) as n_pairs
    from pairs
    {% if not loop.last -%}
    union all
    {% endif -%}
    {%- endfor %}
),

genes_asked_for as (
    {{ asked_for([] if chosen == ['all'] else chosen, 'gene_id') }}
),

designs as (
    select design_idx
    from {{ ref('int_rvat__designs') }}
),

genes_tested as (
    select gene_id
    from {{ ref('int_rvat__genes') }}
),

candidates as (
    select distinct donor_idx
    from {{ ref('rvat_donors') }}
    where status <> 'no_genotypes'
),

n_candidates as (
    select count(*) as n
    from candidates
),

covariate_gaps as (
    select
        covariates.covariate,
        n_candidates.n
        - count(case when candidates.donor_idx is not null then covariates.value end) as n_missing
    from {{ ref('int_rvat__covariates') }} as covariates
    cross join n_candidates
    left join candidates
        on covariates.donor_idx = candidates.donor_idx
    group by covariates.covariate, n_candidates.n
),

-- the few genes of the pseudoautosomal regions are counted too
haploid_genes as (
    select
        genes.chrom,
        count(distinct genes.gene_id) as n_genes
    from {{ ref('int_rvat__genes') }} as genes
    semi join tested_pairs
        on genes.gene_idx = tested_pairs.gene_idx
    where
        genes.chrom in ('Y', 'MT')
        or (
            genes.chrom = 'X'
            and exists (
                select 1
                from {{ ref('int_rvat__design_donors') }} as tested
                inner join {{ source('raw', 'donors') }} as donors
                    on tested.donor_idx = donors.donor_idx
                where donors.sex is distinct from 2
            )
        )
    group by genes.chrom
),

warnings as (
    select
        'negative_weight' as code,
        weight as name,
        n_negative as n,
        'pairs of gene and variant with a weight below 0: burdens take it, so that such an allele '
        || 'counts the other way; SKAT, SKAT-O and ACAT-V refuse the set' as message
    from weight_counts
    where n_negative > 0
    union all
    select
        'weight_missing' as code,
        weight as name,
        n_missing as n,
        'pairs of gene and variant without this weight: left out of the tests under it' as message
    from weight_counts
    where n_missing > 0
    union all
    select
        'empty_set' as code,
        name,
        n_pairs as n,
        'no variant in reach of a gene belongs to this set' as message
    from sets
    where
        n_pairs = 0
        and exists (select 1 from designs)
    union all
    select
        'gene_not_expressed' as code,
        gene_id as name,
        0 as n,
        'asked for, and expressed in enough donors of no cell type: it has no tests' as message
    from genes_asked_for
    where
        gene_id is not null
        and gene_id not in (select genes_tested.gene_id from genes_tested)
        and exists (select 1 from designs)
    union all
    select
        'covariate_missing' as code,
        covariate as name,
        n_missing as n,
        'donors with expression and genotypes have no value of this covariate: left out of all '
        || 'tests' as message
    from covariate_gaps
    where n_missing > 0
    union all
    select
        'haploid_calls' as code,
        chrom as name,
        n_genes as n,
        'genes on a chromosome of which donors have one copy: their calls weigh as the files '
        || 'spell them, one copy in VCF, two in PLINK 1' as message
    from haploid_genes
)

select
    code,
    name,
    cast(n as bigint) as n,
    message
from warnings
