{{ config(materialized='ephemeral') }}
-- Every usable row that is ranked within its (source, feature), with the keys of the models.
-- int_v2g__evidence keeps the integers of it, v2g_evidence reads the rest when somebody asks.
{%- set vep = v2g_choice('vep', ['raw', 'quantile']) %}
with variants as (
    select
        variant_idx,
        variant_id
    from {{ ref('int_v2g__variants') }}
),

genes as (
    select
        gene_idx,
        gene_id
    from {{ ref('int_v2g__genes') }}
    where is_ranked
),

groups as (
    select
        group_idx,
        type_id,
        source_id,
        feature
    from {{ ref('int_v2g__groups') }}
),

links as (
    select
        variants.variant_id,
        genes.gene_id,
        variants.variant_idx,
        genes.gene_idx,
        groups.group_idx,
        links.type_id,
        links.score,
        links.beta,
        links.se,
        links.p_value,
        links.load_id
    from {{ ref('int_v2g__links') }} as links
    inner join variants
        on links.variant_id = variants.variant_id
    inner join genes
        on links.gene_id = genes.gene_id
    inner join groups
        on links.source_id = groups.source_id
        and coalesce(links.feature, 'unspecified') = groups.feature
),

overlapping as (
    select
        variants.variant_id,
        genes.gene_id,
        variants.variant_idx,
        genes.gene_idx,
        groups.group_idx,
        overlapping.type_id,
        {{ interval_score('overlapping.source_id', 'overlapping.score') }} as score,
        cast(null as double) as beta,
        cast(null as double) as se,
        cast(null as double) as p_value,
        overlapping.load_id
    from {{ ref('int_v2g__interval_overlaps') }} as overlapping
    inner join variants
        on overlapping.variant_idx = variants.variant_idx
    inner join genes
        on overlapping.gene_id = genes.gene_id
    inner join groups
        on overlapping.source_id = groups.source_id
        and coalesce(overlapping.feature, 'unspecified') = groups.feature
),
{% if vep == 'quantile' %}
consequences as (
    select
        vep.variant_id,
        vep.gene_id,
        vep.variant_idx,
        vep.gene_idx,
        groups.group_idx,
        groups.type_id,
        vep.score,
        cast(null as double) as beta,
        cast(null as double) as se,
        cast(null as double) as p_value,
        vep.load_id
    from {{ ref('int_v2g__vep') }} as vep
    inner join genes
        on vep.gene_idx = genes.gene_idx
    inner join groups
        on groups.type_id = 'vep'
),
{% endif %}
evidence as (
    select * from links
    union all
    select * from overlapping
    {% if vep == 'quantile' -%}
    union all
    select * from consequences
    {%- endif %}
),

final as (
    select *
    from evidence
    -- a score that was not measured cannot be ranked; v2g_warnings counts them
    where not coalesce(isnan(score), true)
)

select * from final
