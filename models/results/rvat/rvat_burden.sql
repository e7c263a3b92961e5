{%- set p_value = var_choice('p_value', ['t', 'lrt']) -%}
{%- set log_p = 'lrt_log_p' if p_value == 'lrt' else 'log_p' %}
with asked as (
    select *
    from {{ ref('int_rvat__asked') }}
    where test = 'burden'
),

tests as (
    select *
    from {{ ref('int_rvat__tests') }}
    where test = 'burden'
),

final as (
    select
        asked.cell_type,
        asked.gene_id,
        asked.gene_name,
        asked.weight,
        asked.aggregation,
        asked.mask,
        asked.max_maf,
        coalesce(tests.n_variants, 0) as n_variants,
        coalesce(tests.n_carriers, 0) as n_carriers,
        asked.n_donors,
        tests.beta,
        {% if p_value == 'lrt' -%}
        -- the standard error that goes with the likelihood ratio
        abs(tests.beta) / nullif(sqrt(tests.lrt), 0)
        {%- else -%}
        tests.se
        {%- endif %} as se,
        exp(tests.log_p) as t_p_value,
        tests.lrt,
        exp(tests.{{ log_p }}) as p_value,
        {{ log10p('tests.' ~ log_p) }} as log10p,
        coalesce(tests.status, asked.reason) as status
    from asked
    left join tests
        on asked.cell_type_idx = tests.cell_type_idx
        and asked.gene_idx = tests.gene_idx
        and asked.set_idx = tests.set_idx
        and asked.weight_idx = tests.weight_idx
        and asked.aggregation = tests.aggregation
)

select * from final
