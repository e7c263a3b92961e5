with transcripts as (
    select
        variant_id,
        gene_id,
        consequence_terms,
        load_id
    from {{ source('raw', 'vep') }}
),

consequences as (
    select
        variant_id,
        gene_id,
        {% if v2g_choice('vep_terms', ['all', 'first']) == 'first' -%}
        consequence_terms[1]
        {%- else -%}
        unnest(consequence_terms)
        {%- endif %} as consequence_term,
        load_id
    from transcripts
)

select * from consequences
