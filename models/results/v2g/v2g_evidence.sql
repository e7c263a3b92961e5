{{ config(materialized='view') }}
with ranked as (
    select
        quantiles.variant_idx,
        quantiles.gene_idx,
        quantiles.group_idx,
        quantiles.score,
        quantiles.quantile,
        cast(null as varchar) as detail,
        quantiles.beta,
        quantiles.se,
        quantiles.p_value,
        quantiles.load_id
    from {{ ref('int_v2g__quantiles') }} as quantiles
),
{% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' %}
consequences as (
    select
        vep.variant_idx,
        vep.gene_idx,
        groups.group_idx,
        vep.score,
        vep.score as quantile,
        vep.consequence_term as detail,
        cast(null as double) as beta,
        cast(null as double) as se,
        cast(null as double) as p_value,
        vep.load_id
    from {{ ref('int_v2g__vep') }} as vep
    inner join {{ ref('int_v2g__groups') }} as groups
        on groups.type_id = 'vep'
),
{% endif %}
evidence as (
    select * from ranked
    {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
    union all
    select * from consequences
    {%- endif %}
),

final as (
    select
        variants.variant_id,
        genes.gene_id,
        groups.type_id,
        groups.source_id,
        groups.feature,
        evidence.score,
        evidence.quantile,
        evidence.detail,
        evidence.beta,
        evidence.se,
        evidence.p_value,
        evidence.load_id
    from evidence
    inner join {{ ref('int_v2g__variants') }} as variants
        on evidence.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on evidence.gene_idx = genes.gene_idx
    inner join {{ ref('int_v2g__groups') }} as groups
        on evidence.group_idx = groups.group_idx
)

select * from final
