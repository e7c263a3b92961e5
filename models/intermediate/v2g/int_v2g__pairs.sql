-- Every variant-gene pair with the score of each of its sources (the highest quantile of features)
-- in as few integers as hold them: see source_keys. Weights have no part in it: a build with others
-- makes only patterns and ranks anew.
{%- set vep = v2g_choice('vep', ['raw', 'quantile']) %}
with scored_rows as (
    select
        variant_idx,
        gene_idx,
        group_idx,
        score
    from {{ ref('int_v2g__scored_rows') }}
),

groups as (
    select
        group_idx,
        source_idx,
        type_id,
        {{ source_lane('source_idx') }} as lane,
        {{ source_place('source_idx') }} as place
    from {{ ref('int_v2g__groups') }}
),
{% if vep == 'raw' %}
consequences as (
    select
        variants.variant_idx,
        genes.gene_idx,
        groups.source_idx,
        groups.lane,
        groups.place,
        consequences.step,
        consequences.score
    from {{ ref('int_v2g__consequences') }} as consequences
    inner join {{ ref('int_v2g__variants') }} as variants
        on consequences.variant_id = variants.variant_id
    inner join {{ ref('int_v2g__genes') }} as genes
        on consequences.gene_id = genes.gene_id
    inner join groups
        on groups.type_id = 'vep'
    where
        consequences.score > 0
        and genes.is_scored
),
{% endif %}
{%- if is_decile_method() %}
source_bits as (
    select
        scored_rows.variant_idx,
        scored_rows.gene_idx,
        groups.lane,
        groups.place,
        {{ tenth_bits('scored_rows.score', 'thresholds') }} as bits
    from scored_rows
    inner join {{ ref('int_v2g__thresholds') }} as thresholds
        on scored_rows.group_idx = thresholds.group_idx
    inner join groups
        on scored_rows.group_idx = groups.group_idx
    {% if vep == 'raw' -%}
    union all
    select
        variant_idx,
        gene_idx,
        lane,
        place,
        {{ step_bits('step') }} as bits
    from consequences
    {%- endif %}
),

final as (
    select
        variant_idx,
        gene_idx,
        {% for key in source_keys() -%}
        bit_or(case when lane = {{ loop.index0 }} then bits * place else 0 end) as {{ key }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
    from source_bits
    group by variant_idx, gene_idx
)
{% else %}
{{ quantiles_of('scored_rows') }},

source_units as (
    select
        quantiles.variant_idx,
        quantiles.gene_idx,
        groups.source_idx,
        quantiles.quantile_units as score_units
    from quantiles
    inner join groups
        on quantiles.group_idx = groups.group_idx
    {% if vep == 'raw' -%}
    union all
    select
        variant_idx,
        gene_idx,
        source_idx,
        {{ score_units('score') }} as score_units
    from consequences
    {%- endif %}
),

source_scores as (
    select
        variant_idx,
        gene_idx,
        source_idx,
        max(score_units) as score_units
    from source_units
    group by variant_idx, gene_idx, source_idx
),

final as (
    select
        variant_idx,
        gene_idx,
        list_sort(list({{ pack_source('source_idx', 'score_units') }})) as packed
    from source_scores
    group by variant_idx, gene_idx
)
{% endif %}
select * from final
