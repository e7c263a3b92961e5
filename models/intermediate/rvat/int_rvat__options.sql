-- How the tests are made, one row: what rvat_region is told, and what explains its results later.
{%- set law = var_choice('skat_law', ['large_sample', 'finite_sample']) %}
select
    {
        'aggregations': [{{ quoted_list(as_list(var('aggregations'))) }}],
        'tests': [{{ quoted_list(as_list(var('rvat_tests'))) }}],
        'kernel_weights': [{{ rvat_kernel_weight() }}],
        'kernel_power': {{ var('skat_weight_power') }},
        'kernel_maf_beta': {{ rvat_kernel_maf_beta() }},
        'finite_sample': {{ 'true' if law == 'finite_sample' else 'false' }},
        'fold': {{ 'true' if var('fold_minor_allele') else 'false' }},
        'missing_calls': '{{ var_choice("missing_calls", ["mean", "zero"]) }}',
        'ties': '{{ var_choice("rank_ties", ["average", "half_even"]) }}',
        'jitter_seed': {{ 'null' if var('jitter_seed') is none else var('jitter_seed') }},
        'sets_per_block': 16
    } as options,
    '{{ var_choice("maf_donors", ["tested", "genotyped"]) }}' as maf_donors
