{%- set pick = var_choice('annotation_pick', ['worst', 'canonical', 'mane', 'first']) -%}
{%- set per = var_choice('annotation_pick_per', ['gene', 'variant']) -%}
with consequences as (
    select
        variant_id,
        gene_id,
        gene_name,
        transcript_id,
        regulatory_id,
        consequence_key,
        consequence_terms,
        impact,
        biotype,
        is_canonical,
        mane_select,
        protein_pos,
        amino_acids,
        sift_prediction,
        sift_score,
        polyphen_prediction,
        polyphen_score,
        scores,
        rank,
        file_rank,
        load_id
    from {{ ref('stg_annotations__consequences') }}
    {%- if per == 'gene' %}
    where gene_id is not null
    {%- endif %}
),

severities as (
    select
        consequence_key,
        consequence_term,
        severity
    from {{ ref('int_annotations__severities') }}
),

ranked as (
    select
        consequences.*,
        severities.consequence_term,
        severities.severity,
        {% if pick == 'canonical' -%}
        coalesce(consequences.is_canonical, false)
        {%- elif pick == 'mane' -%}
        consequences.mane_select is not null
        {%- else -%}
        true
        {%- endif %} as is_asked_for,
        count(*) over rows_of_pair as n_rows,
        row_number() over (
            rows_of_pair
            order by
                {% if pick == 'first' -%}
                consequences.load_id,
                consequences.file_rank,
                {%- else -%}
                is_asked_for desc,
                severities.severity,
                consequences.is_canonical desc nulls last,
                consequences.mane_select is null,
                {%- endif %}
                consequences.load_id,
                consequences.rank
        ) as place
    from consequences
    inner join severities
        on consequences.consequence_key = severities.consequence_key
    window rows_of_pair as (
        partition by
            consequences.variant_id
            {%- if per == 'gene' %},
            consequences.gene_id
            {%- endif %}
    )
),

picked as (
    select
        variant_id,
        gene_id,
        gene_name,
        transcript_id,
        regulatory_id,
        consequence_term,
        consequence_terms,
        severity,
        impact,
        biotype,
        is_canonical,
        mane_select,
        protein_pos,
        amino_acids,
        sift_prediction,
        sift_score,
        polyphen_prediction,
        polyphen_score,
        scores,
        '{{ pick }}' as annotation_pick,
        not is_asked_for as is_fallback,
        n_rows,
        load_id
    from ranked
    where place = 1
)

select * from picked
