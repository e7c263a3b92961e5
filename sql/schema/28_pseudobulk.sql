-- Expression by cell type, gene and donor. Values stand beside two small numbers: names are as long
-- as numbers are short, and there are tens of millions of values.

-- Groups of cells of one type and donor, by load.
create table if not exists raw.pseudobulk_donors (
    -- dense over all loads, in the order of cell type and donor within one
    group_idx integer not null,
    cell_type varchar not null,
    donor_id varchar not null,
    n_cells integer,
    load_id integer not null
);

-- Genes that were measured in the groups of a load.
create table if not exists raw.pseudobulk_genes (
    -- dense over all loads, in the order of gene_id within one
    gene_idx integer not null,
    gene_id varchar not null,
    -- whether a group of the load without a value of the gene has 0, and not an unknown one
    zeros_left_out boolean not null,
    -- whether sums of raw counts are known
    has_sum boolean not null,
    load_id integer not null
);

-- Ordered by cell type, gene and donor within a load. A donor without cells of a type has no group.
create table if not exists raw.pseudobulk (
    group_idx integer not null,
    gene_idx integer not null,
    -- of raw counts; NULL when the file has none
    sum double,
    -- over cells, of ln(1 + counts scaled to the file's median total)
    mean double
);

create view if not exists pseudobulk as
select
    pseudobulk_donors.cell_type,
    pseudobulk_genes.gene_id,
    pseudobulk_donors.donor_id,
    pseudobulk.sum,
    pseudobulk.mean,
    pseudobulk_donors.n_cells
from raw.pseudobulk
inner join raw.pseudobulk_donors
    on pseudobulk.group_idx = pseudobulk_donors.group_idx
inner join raw.pseudobulk_genes
    on pseudobulk.gene_idx = pseudobulk_genes.gene_idx
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
    and pseudobulk_genes.zeros_left_out
anti join raw.pseudobulk
    on pseudobulk_donors.group_idx = pseudobulk.group_idx
    and pseudobulk_genes.gene_idx = pseudobulk.gene_idx;
