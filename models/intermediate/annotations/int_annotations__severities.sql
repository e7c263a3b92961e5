-- Few lists of terms are different, so their severity is looked up once a list, not once a row.
with consequences as (
    select distinct
        consequence_key,
        consequence_terms,
        impact
    from {{ ref('stg_annotations__consequences') }}
),

severities as (
    select
        consequence_term,
        severity,
        impact
    from {{ ref('consequence_severity') }}
),

mildest as (
    select
        impact,
        max(severity) as severity
    from severities
    group by impact
),

mildest_of_all as (
    select max(severity) as severity
    from severities
),

terms as (
    select
        consequence_key,
        impact,
        unnest(consequence_terms) as consequence_term
    from consequences
),

term_severities as (
    select
        terms.consequence_key,
        terms.consequence_term,
        severities.severity is not null as is_known,
        -- a term that Ensembl does not use counts as the mildest of the row's impact, and without
        -- a known impact as the mildest of all
        coalesce(severities.severity, mildest.severity, mildest_of_all.severity) as severity
    from terms
    cross join mildest_of_all
    left join severities
        on terms.consequence_term = severities.consequence_term
    left join mildest
        on terms.impact = mildest.impact
),

final as (
    select
        consequence_key,
        consequence_term,
        severity,
        is_known
    from term_severities
    qualify row_number() over (
        partition by consequence_key
        order by severity asc, is_known desc, consequence_term asc
    ) = 1
)

select * from final
