-- Variants in the window of a gene, with a weight for each entry of the var weights and a flag for
-- each variant set (mask and frequency cut-off).
{%- set score_names = rvat_score_names() -%}
{%- set first_row = rvat_consequence_from() == 'first_row' %}
{%- if rvat_uses_consequences() %}
-- rvat_terms_are_known looks the terms of masks up there
-- depends_on: {{ ref('int_annotations__severities') }}, {{ ref('consequence_severity') }}
{%- endif %}
{%- set is_of_gene = rvat_consequence_from() == 'gene' %}
{%- set origin = var_choice('distance_from', ['tss', 'gene_start']) %}
with genes as (
    select
        gene_idx,
        gene_id,
        region_idx,
        chrom,
        {{ 'start_pos' if origin == 'gene_start' else 'tss_pos' }} as origin_pos,
        window_start,
        window_end,
        {{ bins('window_start', 'window_end') }} as window_bin
    from {{ ref('int_rvat__genes') }}
),

variants as (
    select
        design_idx,
        variant_idx,
        variant_id,
        chrom,
        pos,
        maf,
        maf_beta
    from {{ ref('int_rvat__variants') }}
),

windows as (
    select
        genes.region_idx,
        variants.design_idx,
        genes.gene_idx,
        genes.gene_id,
        variants.variant_idx,
        variants.variant_id,
        variants.maf,
        variants.maf_beta,
        cast(abs(variants.pos - genes.origin_pos) as integer) as distance_bp
    from variants
    inner join genes
        on variants.chrom = genes.chrom
        and {{ bin('variants.pos') }} = genes.window_bin
        and variants.pos between genes.window_start and genes.window_end
),
{% if first_row and (score_names or rvat_uses_consequences()) %}
first_rows as (
    select
        variant_id,
        impact,
        consequence_terms,
        scores
    from {{ ref('stg_annotations__consequences') }}
    qualify row_number() over (partition by variant_id order by load_id, file_rank) = 1
),
{% endif %}
{%- if score_names %}
scores as (
    select
        {% for name in score_names -%}
        max(case when score_name = '{{ name | replace("'", "''") }}' then score end)
        as score_{{ loop.index0 }},
        {% endfor -%}
        variant_id,
        gene_id
    from {{ ref('annotation_scores') }}
    where score_name in ({{ quoted_list(score_names) }})
    group by variant_id, gene_id
),

variant_scores as (
    select *
    from scores
    where gene_id is null
),

gene_scores as (
    {% if first_row -%}
    select
        {% for name in score_names -%}
        scores['{{ name | replace("'", "''") }}'] as score_{{ loop.index0 }},
        {% endfor -%}
        variant_id
    from first_rows
    {%- else -%}
    select *
    from scores
    where gene_id is not null
    {%- endif %}
),
{% endif %}
{%- if 'v2g' in rvat_factors() %}
v2g as (
    select
        variant_id,
        gene_id,
        overall_score
    from {{ ref('v2g_scores') }}
),
{% endif %}
{%- if rvat_uses_consequences() and not first_row %}
consequences as (
    select
        variant_id,
        gene_id,
        impact,
        consequence_terms
    from {{ ref('annotations_picked') }}
    {% if is_of_gene -%}
    where gene_id is not null
    {%- endif %}
),
{% endif %}
final as (
    select
        windows.region_idx,
        windows.design_idx,
        windows.gene_idx,
        windows.variant_idx,
        windows.distance_bp,
        [
            {% for weight in var_list('weights') -%}
            {{ rvat_weight(weight) }}
            {{- "," if not loop.last }}
            {% endfor -%}
        ] as weights,
        [
            {% for each in rvat_sets() -%}
            {{ rvat_mask(rvat_masks()[each['mask']]) }}
            and windows.maf < {{ each['max_maf'] }}
            {{- "," if not loop.last }}
            {% endfor -%}
        ] as in_sets
    from windows
    {% if score_names -%}
    left join gene_scores
        on windows.variant_id = gene_scores.variant_id
        {% if not first_row -%}
        and windows.gene_id = gene_scores.gene_id
        {% endif -%}
    left join variant_scores
        on windows.variant_id = variant_scores.variant_id
    {% endif -%}
    {%- if 'v2g' in rvat_factors() -%}
    left join v2g
        on windows.variant_id = v2g.variant_id
        and windows.gene_id = v2g.gene_id
    {% endif -%}
    {%- if rvat_uses_consequences() -%}
    left join {{ 'first_rows' if first_row else 'consequences' }} as consequences
        on windows.variant_id = consequences.variant_id
        {%- if is_of_gene %}
        and windows.gene_id = consequences.gene_id
        {%- endif %}
    {% endif %}
)

select * from final
