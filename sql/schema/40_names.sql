-- What an rsID names, whichever file said so.
create view if not exists variant_names as
select
    variant_id,
    rsid
from raw.variants
where rsid is not null
union all
select
    variant_id,
    rsid
from raw.evidence
where rsid is not null
union all
select
    variant_id,
    rsid
from raw.qtl
where rsid is not null;

-- The variants that can be scored: the loaded index or, without one, all that have evidence.
-- A variant may be listed several times.
create view if not exists variant_universe as
select
    variant_id,
    chrom,
    pos
from raw.variants
union all
select
    variant_id,
    chrom,
    pos
from raw.evidence
where not exists (select 1 from raw.variants)
union all
select
    variant_id,
    chrom,
    pos
from raw.qtl
where not exists (select 1 from raw.variants)
union all
select
    variant_id,
    chrom,
    pos
from raw.vep
where not exists (select 1 from raw.variants);
