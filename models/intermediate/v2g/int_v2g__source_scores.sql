{{ config(materialized='ephemeral') }}
-- Score of each source for each pair: the highest quantile of its features. Inlined into the one
-- model that needs it for all pairs; v2g_source_scores asks the evidence for the winning feature.
with genes as (
    select
        gene_idx,
        gene_id
    from {{ ref('int_v2g__genes') }}
    where is_scored
),

groups as (
    select
        group_idx,
        source_idx,
        type_id
    from {{ ref('int_v2g__groups') }}
),

scored_rows as (
    select
        variant_idx,
        gene_idx,
        group_idx,
        score
    from {{ ref('int_v2g__evidence') }}
    {% if v2g_choice('biotype_stage', ['before', 'after']) == 'after' -%}
    where gene_idx in (select genes.gene_idx from genes)
    {%- endif %}
    union all
    select
        distances.variant_idx,
        distances.gene_idx,
        groups.group_idx,
        {{ distance_score('distances.distance_bp') }} as score
    from {{ ref('int_v2g__distances') }} as distances
    inner join groups
        on groups.type_id = 'distance'
),

{{ quantiles_of('scored_rows', ['variant_idx', 'gene_idx', 'group_idx', 'score']) }},

ranked as (
    select
        quantiles.variant_idx,
        quantiles.gene_idx,
        groups.source_idx,
        max(quantiles.quantile_units) as score_units
    from quantiles
    inner join groups
        on quantiles.group_idx = groups.group_idx
    group by quantiles.variant_idx, quantiles.gene_idx, groups.source_idx
),
{% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' %}
strongest as (
    -- grouped by text first: few terms score above 0, and then few ids have to be looked up
    select
        variant_id,
        gene_id,
        max(score) as score
    from {{ ref('int_v2g__consequences') }}
    where score > 0
    group by variant_id, gene_id
),

consequences as (
    select
        variants.variant_idx,
        genes.gene_idx,
        groups.source_idx,
        {{ score_units('strongest.score') }} as score_units
    from strongest
    inner join {{ ref('int_v2g__variants') }} as variants
        on strongest.variant_id = variants.variant_id
    inner join genes
        on strongest.gene_id = genes.gene_id
    inner join groups
        on groups.type_id = 'vep'
),
{% endif %}
final as (
    select * from ranked
    {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
    union all
    select * from consequences
    {%- endif %}
)

select * from final
