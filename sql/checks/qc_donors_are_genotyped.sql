-- How many ids of a list in the var qc_donors are no genotyped donor; ids of persons are not shown.
{{ config(severity='warn', meta={'show_rows': true}) }}
{%- set chosen_donors = var('qc_donors') %}
with listed as (
    {% if chosen_donors is not string and chosen_donors -%}
    select distinct unnest([{{ quoted_list(chosen_donors) }}]) as donor_id
    {%- else -%}
    select cast(null as varchar) as donor_id
    {%- endif %}
),

counted as (
    select
        count(listed.donor_id) as n_listed,
        count(listed.donor_id) - count(genotype_donors.donor_id) as n_not_genotyped
    from listed
    left join {{ ref('genotype_donors') }} as genotype_donors
        on listed.donor_id = genotype_donors.donor_id
)

select
    n_listed,
    n_not_genotyped
from counted
where n_not_genotyped > 0
