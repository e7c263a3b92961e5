-- Genes that are asked for by id and that the gene table does not have; with the id of the gene, if
-- what was given is its symbol or has a version.
{{ config(meta={'show_rows': true}) }}
{%- set chosen = var_list('rvat_genes') %}
with asked as (
    {{ asked_for([] if chosen == ['all'] else chosen, 'gene_id') }}
),

-- what is tested: the check belongs to this model
tested as (
    select distinct gene_id
    from {{ ref('int_rvat__expressed') }}
),

known as (
    select
        gene_id,
        gene_name
    from {{ source('raw', 'genes') }}
)

select
    asked.gene_id as missing_gene,
    min(named.gene_id) as id_of_this_gene
from asked
left join known as named
    on upper(asked.gene_id) = upper(named.gene_name)
    or upper(split_part(asked.gene_id, '.', 1)) = named.gene_id
where
    asked.gene_id is not null
    and asked.gene_id not in (select tested.gene_id from tested)
    and asked.gene_id not in (select known.gene_id from known)
    -- a warehouse without genes makes no tests
    and exists (select 1 from known)
group by asked.gene_id
