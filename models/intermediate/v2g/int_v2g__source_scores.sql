-- The best feature of each source for each pair: highest quantile, ties to the first by name.
with genes as (
    select gene_idx
    from {{ ref('int_v2g__genes') }}
    where is_scored
),

ranked as (
    select
        quantiles.variant_idx,
        quantiles.gene_idx,
        quantiles.source_idx,
        max({{ pack_score('quantiles.quantile', 'quantiles.group_idx') }}) as packed
    from {{ ref('int_v2g__quantiles') }} as quantiles
    inner join genes
        on quantiles.gene_idx = genes.gene_idx
    group by quantiles.variant_idx, quantiles.gene_idx, quantiles.source_idx
),
{% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' %}
consequences as (
    select
        vep.variant_idx,
        vep.gene_idx,
        groups.source_idx,
        {{ pack_score('vep.score', 'groups.group_idx') }} as packed
    from {{ ref('int_v2g__vep') }} as vep
    inner join genes
        on vep.gene_idx = genes.gene_idx
    inner join {{ ref('int_v2g__groups') }} as groups
        on groups.type_id = 'vep'
    where vep.score > 0
),
{% endif %}
best as (
    select * from ranked
    {% if v2g_choice('vep', ['raw', 'quantile']) == 'raw' -%}
    union all
    select * from consequences
    {%- endif %}
),

final as (
    select
        variant_idx,
        gene_idx,
        source_idx,
        {{ units_to_score(packed_units('packed')) }} as score,
        {{ packed_group_idx('packed') }} as group_idx
    from best
)

select * from final
-- near variants lie together on disk, so that questions about one of them read little
order by variant_idx
