{{ config(materialized='view') }}
-- Every test that was asked for, made or not, with the reason where its gene could not be tested.
{%- set weights = var_list('weights') -%}
{%- set skat_idx = rvat_kernel_weight() %}
with expressed as (
    select
        cell_type_idx,
        gene_id
    from {{ ref('int_rvat__expressed') }}
),

designs as (
    select
        cell_type,
        cell_type_idx,
        n_donors
    from {{ ref('int_rvat__designs') }}
),

genes as (
    select
        gene_idx,
        gene_id,
        gene_name
    from {{ ref('int_rvat__genes') }}
),

sets as (
    {% for each in rvat_sets() -%}
    select
        {{ loop.index0 }} as set_idx,
        '{{ each["mask"] | replace("'", "''") }}' as mask,
        cast({{ each['max_maf'] }} as double) as max_maf
    {% if not loop.last -%}
    union all
    {% endif -%}
    {%- endfor %}
),

tests as (
    {% for weight in weights -%}
    {% for aggregation in rvat_aggregations() -%}
    select
        'burden' as test,
        {{ weights.index(weight) }} as weight_idx,
        '{{ weight | replace("'", "''") }}' as weight,
        '{{ aggregation }}' as aggregation
    {{ "union all" if not loop.last }}
    {% endfor -%}
    {{ "union all" if not loop.last }}
    {% endfor -%}
    {% for test in rvat_tests() -%}
    union all
    select
        '{{ test }}' as test,
        {{ skat_idx }} as weight_idx,
        '{{ var("skat_weight") | replace("'", "''") }}' as weight,
        '' as aggregation
    {% endfor %}
),

-- genes whose expression is not known for a donor have one row that says so
untested as (
    select
        cell_type_idx,
        gene_idx,
        status
    from {{ ref('int_rvat__tests') }}
    where test is null
)

select
    designs.cell_type,
    designs.cell_type_idx,
    designs.n_donors,
    genes.gene_id,
    genes.gene_idx,
    genes.gene_name,
    sets.set_idx,
    sets.mask,
    sets.max_maf,
    tests.test,
    tests.weight_idx,
    tests.weight,
    tests.aggregation,
    coalesce(untested.status, 'empty_window') as reason
from expressed
inner join designs
    on expressed.cell_type_idx = designs.cell_type_idx
inner join genes
    on expressed.gene_id = genes.gene_id
cross join sets
cross join tests
left join untested
    on expressed.cell_type_idx = untested.cell_type_idx
    and genes.gene_idx = untested.gene_idx
