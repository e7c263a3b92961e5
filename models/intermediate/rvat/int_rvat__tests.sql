-- Every test that was made: a region's genotypes are read once for all of its genes and cell types.
{%- set weights = as_list(var('weights')) -%}
{%- set law = annotation_choice('skat_law', ['large_sample', 'finite_sample']) %}
with regions as (
    select distinct
        genes.region_idx,
        designs.design_idx
    from {{ ref('int_rvat__genes') }} as genes
    cross join {{ ref('int_rvat__designs') }} as designs
),

found as (
    select
        region_idx,
        design_idx,
        unnest(rvat_region(
            region_idx,
            design_idx,
            {
                'pairs': '{{ ref("int_rvat__pairs") }}',
                'variants': '{{ ref("int_rvat__variants") }}',
                'donors': '{{ ref("int_rvat__design_donors") }}',
                'covariates': '{{ ref("int_rvat__covariates") }}',
                'phenotypes': '{{ ref("int_rvat__phenotypes") }}',
                'rare': '{{ source("raw", "genotypes_rare") }}',
                'common': '{{ source("raw", "genotypes_common") }}'
            },
            {
                'aggregations': [{{ quoted_list(as_list(var('aggregations'))) }}],
                'tests': [{{ quoted_list(as_list(var('rvat_tests'))) }}],
                'kernel_weights': [{{ weights.index(var('skat_weight')) }}],
                'kernel_power': {{ var('skat_weight_power') }},
                'finite_sample': {{ 'true' if law == 'finite_sample' else 'false' }},
                'fold': {{ 'true' if var('fold_minor_allele') else 'false' }},
                'ties': '{{ annotation_choice("rank_ties", ["average", "half_even"]) }}',
                'jitter_seed': {{ 'null' if var('jitter_seed') is none else var('jitter_seed') }},
                'sets_per_block': 16
            }
        )) as test
    from regions
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
