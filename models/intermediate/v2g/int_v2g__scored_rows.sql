{{ config(materialized='ephemeral') }}
-- Everything that a quantile within its group is a score of: evidence and distances.
with evidence as (
    select
        variant_idx,
        gene_idx,
        group_idx,
        score
    from {{ ref('int_v2g__evidence') }}
    {% if v2g_choice('biotype_stage', ['before', 'after']) == 'after' -%}
    where gene_idx in (
        select genes.gene_idx
        from {{ ref('int_v2g__genes') }} as genes
        where genes.is_scored
    )
    {%- endif %}
),

distances as (
    select
        distances.variant_idx,
        distances.gene_idx,
        groups.group_idx,
        {{ distance_score('distances.distance_bp') }} as score
    from {{ ref('int_v2g__distances') }} as distances
    inner join {{ ref('int_v2g__groups') }} as groups
        on groups.type_id = 'distance'
),

final as (
    select * from evidence
    union all
    select * from distances
)

select * from final
