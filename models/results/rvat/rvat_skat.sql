with asked as (
    select *
    from {{ ref('int_rvat__asked') }}
    where test <> 'burden'
),

tests as (
    select *
    from {{ ref('int_rvat__tests') }}
    where test <> 'burden'
),

final as (
    select
        asked.cell_type,
        asked.gene_id,
        asked.gene_name,
        asked.test,
        asked.weight,
        asked.mask,
        asked.max_maf,
        coalesce(tests.n_variants, 0) as n_variants,
        coalesce(tests.n_carriers, 0) as n_carriers,
        asked.n_donors,
        case when asked.test = 'skat' then tests.statistic end as q,
        case when asked.test = 'skat_o' then tests.detail end as rho,
        exp(tests.log_p) as p_value,
        {{ log10p('tests.log_p') }} as log10p,
        case
            when asked.test = 'skat' then '{{ var("skat_law") }}'
            when asked.test = 'skat_o' then 'exact_integral'
            when asked.test = 'acat_v' then 'cauchy'
        end as method,
        tests.error,
        coalesce(tests.status, asked.reason) as status
    from asked
    left join tests
        on asked.cell_type_idx = tests.cell_type_idx
        and asked.gene_idx = tests.gene_idx
        and asked.set_idx = tests.set_idx
        and asked.test = tests.test
)

select * from final
