{{ config(materialized='view') }}
with ranked_rows as (
    select
        variant_id,
        gene_id,
        group_idx,
        type_id,
        score,
        beta,
        se,
        p_value,
        load_id
    from {{ ref('int_v2g__ranked_rows') }}
    union all
    select
        variants.variant_id,
        genes.gene_id,
        groups.group_idx,
        groups.type_id,
        {{ distance_score('distances.distance_bp') }} as score,
        cast(null as double) as beta,
        cast(null as double) as se,
        cast(null as double) as p_value,
        cast(null as integer) as load_id
    from {{ ref('int_v2g__distances') }} as distances
    inner join {{ ref('int_v2g__variants') }} as variants
        on distances.variant_idx = variants.variant_idx
    inner join {{ ref('int_v2g__genes') }} as genes
        on distances.gene_idx = genes.gene_idx
    inner join {{ ref('int_v2g__groups') }} as groups
        on groups.type_id = 'distance'
),

{{ quantiles_of('ranked_rows') }},

evidence as (
    select
        variant_id,
        gene_id,
        group_idx,
        type_id,
        score,
        quantile,
        cast(null as varchar) as detail,
        beta,
        se,
        p_value,
        load_id
    from quantiles
    {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
    union all
    select
        vep.variant_id,
        vep.gene_id,
        groups.group_idx,
        groups.type_id,
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
    {%- endif %}
),

final as (
    select
        evidence.variant_id,
        evidence.gene_id,
        evidence.type_id,
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
    inner join {{ ref('int_v2g__groups') }} as groups
        on evidence.group_idx = groups.group_idx
)

select * from final
