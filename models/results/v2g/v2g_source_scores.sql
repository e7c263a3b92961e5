{{ config(materialized='view') }}
-- Best of each source's features, grouped by the ids that people ask for: a filter on them reaches
-- the raw rows. int_v2g__pairs has the same scores on integer keys, of everything at once.
with evidence as (
    select
        variant_id,
        gene_id,
        type_id,
        source_id,
        feature,
        quantile
    from {{ ref('v2g_evidence') }}
    {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
    where type_id <> 'vep' or quantile > 0
    {%- endif %}
),

genes as (
    select gene_id
    from {{ ref('int_v2g__genes') }}
    where is_scored
),

groups as (
    select
        group_idx,
        source_id,
        feature
    from {{ ref('int_v2g__groups') }}
),

best as (
    select
        evidence.variant_id,
        evidence.gene_id,
        evidence.source_id,
        -- ties go to the first feature by name
        max({{ pack_score(score_units('evidence.quantile'), 'groups.group_idx') }}) as packed
    from evidence
    inner join genes
        on evidence.gene_id = genes.gene_id
    inner join groups
        on evidence.source_id = groups.source_id
        and evidence.feature = groups.feature
    group by evidence.variant_id, evidence.gene_id, evidence.source_id
),

final as (
    select
        best.variant_id,
        best.gene_id,
        best.source_id,
        {{ units_to_score(packed_units('best.packed')) }} as score,
        weights.weight,
        groups.feature
    from best
    inner join groups
        on {{ packed_group_idx('best.packed') }} = groups.group_idx
    inner join {{ ref('v2g_source_weights') }} as weights
        on best.source_id = weights.source_id
)

select * from final
