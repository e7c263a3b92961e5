{%- set biotype = v2g_choice(
    'biotype', ['deny_page', 'allow_production', 'protein_coding', 'none']
) -%}
with genes as (
    select
        gene_id,
        gene_name,
        chrom,
        tss_pos,
        canonical_tss_pos,
        biotype
    from {{ source('raw', 'genes') }}
),

biotypes as (
    select biotype
    from {{ ref('v2g_biotypes') }}
    where biotype_list = '{{ biotype }}'
),

judged as (
    select
        cast(row_number() over (order by genes.gene_id) - 1 as integer) as gene_idx,
        genes.gene_id,
        genes.gene_name,
        genes.chrom,
        {% if v2g_choice('tss', ['gene', 'canonical_transcript']) == 'canonical_transcript' -%}
        -- a gene without a canonical transcript keeps its gene-level TSS
        coalesce(genes.canonical_tss_pos, genes.tss_pos)
        {%- else -%}
        genes.tss_pos
        {%- endif %} as tss_pos,
        genes.biotype,
        genes.chrom = 'MT' as is_mitochondrial,
        {% if biotype == 'none' -%}
        false
        {%- elif biotype == 'deny_page' -%}
        biotypes.biotype is not null
        {%- else -%}
        biotypes.biotype is null
        {%- endif %} as has_excluded_biotype
    from genes
    left join biotypes
        on genes.biotype = biotypes.biotype
),

final as (
    select
        gene_idx,
        gene_id,
        gene_name,
        chrom,
        tss_pos,
        biotype,
        is_mitochondrial,
        has_excluded_biotype,
        not is_mitochondrial and not has_excluded_biotype as is_scored,
        {% if v2g_choice('biotype_stage', ['before', 'after']) == 'after' -%}
        not is_mitochondrial
        {%- else -%}
        not is_mitochondrial and not has_excluded_biotype
        {%- endif %} as is_ranked
    from judged
)

select * from final
