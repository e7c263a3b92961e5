-- Variants that tag a study's locus: members of a credible set (posterior) or in LD with the lead (r2).
create table if not exists raw.tags (
    study_id varchar not null,
    lead_variant_id varchar not null,
    tag_variant_id varchar not null,
    posterior double,
    r2 double,
    load_id integer not null
);
