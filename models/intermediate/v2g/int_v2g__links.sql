{{ config(materialized='view') }}
-- Every variant-gene row that is ranked within its (source, feature), before ids become integers.
with slice_qtl as (
    select
        variant_id,
        gene_id,
        type_id,
        {{ qtl_source_id('source_id', 'type_id') }} as source_id,
        feature,
        {{ qtl_score('p_value', 'neglog10_p') }} as score,
        beta,
        se,
        p_value,
        load_id
    from {{ ref('stg_evidence__qtl') }}
),

qtl as (
    select
        variant_id,
        gene_id,
        type_id,
        {{ qtl_source_id('source_id', 'type_id') }} as source_id,
        feature,
        {{ qtl_score('p_value', 'neglog10_p') }} as score,
        beta,
        se,
        p_value,
        load_id
    from {{ source('raw', 'qtl') }}
),

slice_intervals as (
    select
        variant_id,
        gene_id,
        type_id,
        source_id,
        feature,
        {{ interval_score('source_id', 'score') }} as score,
        cast(null as double) as beta,
        cast(null as double) as se,
        cast(null as double) as p_value,
        load_id
    from {{ ref('stg_evidence__intervals') }}
    {% if v2g_choice('interval_zero', ['keep', 'drop']) == 'drop' -%}
    where score <> 0
    {%- endif %}
),

links as (
    select * from slice_qtl
    union all
    select * from qtl
    union all
    select * from slice_intervals
)

select * from links
