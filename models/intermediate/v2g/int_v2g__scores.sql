-- Rank of every pair's gene within its variant; what a pair scores stands with its pattern.
with scored_pairs as (
    select
        pairs.variant_idx,
        pairs.gene_idx,
        patterns.pattern_idx,
        patterns.score_order
    from {{ ref('int_v2g__pairs') }} as pairs
    inner join {{ ref('int_v2g__score_patterns') }} as patterns
        on
        {%- for key in source_keys() %}
        {% if not loop.first %}and {% endif -%}
        pairs.{{ key }} = patterns.{{ key }}
        {%- endfor %}
),

final as (
    select
        variant_idx,
        gene_idx,
        pattern_idx,
        rank() over (
            partition by variant_idx
            order by score_order
        ) as rank
    from scored_pairs
)

select * from final
order by variant_idx
