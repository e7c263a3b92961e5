-- Expression by cell type, gene and donor. A donor without cells of a type has no row for it.
-- A gene of raw.pseudobulk_genes without a row was not seen in any cell of the group: its sum and
-- mean are 0, and the view says so. Files that give every value themselves list no genes there.
create table if not exists raw.pseudobulk (
    cell_type varchar not null,
    gene_id varchar not null,
    donor_id varchar not null,
    -- of raw counts; NULL when the file has none
    sum double,
    -- over cells, of ln(1 + counts scaled to the file's median total)
    mean double,
    n_cells integer,
    load_id integer not null
);

-- The groups of a load: who has how many cells of which type.
create table if not exists raw.pseudobulk_donors (
    cell_type varchar not null,
    donor_id varchar not null,
    n_cells integer,
    load_id integer not null
);

-- The genes that a load measured in every group; zeros are left out of raw.pseudobulk for them.
create table if not exists raw.pseudobulk_genes (
    gene_id varchar not null,
    -- whether sums of raw counts are known
    has_sum boolean not null,
    load_id integer not null
);

create view if not exists pseudobulk as
select
    cell_type,
    gene_id,
    donor_id,
    sum,
    mean,
    n_cells
from raw.pseudobulk
union all
select
    pseudobulk_donors.cell_type,
    pseudobulk_genes.gene_id,
    pseudobulk_donors.donor_id,
    case when pseudobulk_genes.has_sum then 0 end as sum,
    0 as mean,
    pseudobulk_donors.n_cells
from raw.pseudobulk_donors
inner join raw.pseudobulk_genes
    on pseudobulk_donors.load_id = pseudobulk_genes.load_id
anti join raw.pseudobulk
    on pseudobulk_donors.cell_type = pseudobulk.cell_type
    and pseudobulk_genes.gene_id = pseudobulk.gene_id
    and pseudobulk_donors.donor_id = pseudobulk.donor_id;
