-- Every test that was made: a region's genotypes are read once for all of its genes and cell types.
with regions as (
    select distinct
        genes.region_idx,
        designs.design_idx
    from {{ ref('int_rvat__genes') }} as genes
    cross join {{ ref('int_rvat__designs') }} as designs
),

options as (
    select options
    from {{ ref('int_rvat__options') }}
),

found as (
    select
        regions.region_idx,
        regions.design_idx,
        unnest(rvat_region(
            regions.region_idx,
            regions.design_idx,
            {
                'pairs': '{{ ref("int_rvat__pairs") }}',
                'variants': '{{ ref("int_rvat__variants") }}',
                'donors': '{{ ref("int_rvat__design_donors") }}',
                'covariates': '{{ ref("int_rvat__covariates") }}',
                'phenotypes': '{{ ref("int_rvat__phenotypes") }}',
                'expression': '{{ ref("int_rvat__expression") }}',
                'rare': '{{ source("raw", "genotypes_rare") }}',
                'common': '{{ source("raw", "genotypes_common") }}'
            },
            options.options
        )) as test
    from regions
    cross join options
)

select
    test.cell_type_idx,
    test.gene_idx,
    test.set_idx,
    test.test,
    test.weight_idx,
    test.aggregation,
    test.n_variants,
    test.n_carriers,
    test.n_donors,
    test.statistic,
    test.beta,
    test.se,
    test.log_p,
    test.lrt,
    test.lrt_log_p,
    test.error,
    test.detail,
    test.status
from found
