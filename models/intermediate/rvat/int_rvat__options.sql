-- How the tests are made, one row: what rvat_region is told, and what explains its results later.
{%- set law = var_choice('skat_law', ['large_sample', 'finite_sample']) %}
{%- set seed = var('jitter_seed') %}
select
    {
        'aggregations': [{{ quoted_list(rvat_aggregations()) }}],
        'tests': [{{ quoted_list(rvat_tests()) }}],
        'kernel_weights': [{{ rvat_kernel_weight() }}],
        'kernel_power': {{ var_number('skat_weight_power', 0, 10) }},
        'kernel_maf_beta': {{ rvat_kernel_maf_beta() }},
        'finite_sample': {{ 'true' if law == 'finite_sample' else 'false' }},
        'fold': {{ 'true' if var_choice('fold_minor_allele', [true, false]) else 'false' }},
        'missing_calls': '{{ var_choice("missing_calls", ["mean", "zero"]) }}',
        'ties': '{{ var_choice("rank_ties", ["average", "half_even"]) }}',
        -- a whole number that JSON and doubles hold exactly
        'jitter_seed': {{ 'null' if seed is none else var_whole('jitter_seed', 0, 2 ** 53) }}
    } as options,
    '{{ rvat_maf_donors() }}' as maf_donors,
    '{{ rvat_consequence_from() }}' as consequence_from
