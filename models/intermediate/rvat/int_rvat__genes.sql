-- Genes to test with their cis windows, cut into regions that are worked on one at a time.
{%- set anchor = var_choice('cis_anchor', ['gene_body', 'tss']) -%}
{%- set window = var_choice('window', ['closed', 'gene_body_open']) -%}
{%- set reach = var_whole('cis_window_bp', 0, 300000000) -%}
{%- set from_pos = 'tss_pos' if anchor == 'tss' else 'start_pos' -%}
{%- set to_pos = 'tss_pos' if anchor == 'tss' else 'end_pos' %}
with expressed as (
    select distinct gene_id
    from {{ ref('int_rvat__expressed') }}
),

genes as (
    select
        gene_id,
        gene_name,
        chrom,
        start_pos,
        end_pos,
        strand,
        tss_pos
    from {{ source('raw', 'genes') }}
),

tested as (
    select
        genes.*,
        cast(row_number() over (
            order by genes.chrom, genes.start_pos, genes.gene_id
        ) - 1 as integer) as gene_idx,
        (row_number() over (
            partition by genes.chrom
            order by genes.start_pos, genes.gene_id
        ) - 1) // {{ var_whole('rvat_region_genes', 1, 1000000) }} as part
    from genes
    inner join expressed
        on genes.gene_id = expressed.gene_id
)

select
    gene_idx,
    gene_id,
    gene_name,
    chrom,
    start_pos,
    end_pos,
    strand,
    tss_pos,
    cast(dense_rank() over (order by chrom, part) - 1 as integer) as region_idx,
    {% if window == 'gene_body_open' -%}
    greatest({{ from_pos }} - {{ reach }}, 0) + 1 as window_start,
    {{ to_pos }} + {{ reach }} - 1 as window_end
    {%- else -%}
    greatest({{ from_pos }} - {{ reach }}, 1) as window_start,
    {{ to_pos }} + {{ reach }} as window_end
    {%- endif %}
from tested
