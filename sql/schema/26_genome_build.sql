-- The one genome build of the warehouse: positions of different builds are never mixed.
create view if not exists raw.genome_build as
select distinct genome_build
from load_manifest
where genome_build is not null;
