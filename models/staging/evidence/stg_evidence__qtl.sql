with evidence as (
    select
        variant_id,
        gene_id,
        type_id,
        source_id,
        feature,
        qtl_beta,
        qtl_se,
        qtl_pval,
        load_id
    from {{ source('raw', 'evidence') }}
),

associations as (
    select
        variant_id,
        gene_id,
        type_id,
        source_id,
        feature,
        qtl_beta as beta,
        -- slices write 0 where a standard error was not measured
        nullif(qtl_se, 0) as se,
        qtl_pval as p_value,
        cast(null as double) as neglog10_p,
        load_id
    from evidence
    where type_id in ('eqtl', 'pqtl', 'sqtl')
)

select * from associations
