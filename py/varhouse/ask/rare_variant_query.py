"""The SQL behind `varhouse.ask.rare_variant_sets`."""

from __future__ import annotations

# Each variant of a design is a set of its own, so that the tests of genes make single-variant
# tests, too: the same donors, covariates and transformed expression.
ALONE = """
    select
        region_idx,
        design_idx,
        gene_idx,
        variant_idx,
        cast(row_number() over (variants_of_design) - 1 as integer) as place,
        count(*) over (partition by design_idx) as n_places
    from int_rvat__pairs
    where gene_idx = {gene_idx} and list_contains(in_sets, true)
    window variants_of_design as (partition by design_idx order by variant_idx)
"""

# Relations that rvat_region reads on a connection of its own, so they are texts, not parameters.
PAIRS = """
    select
        *,
        [cast(1.0 as double)] as weights,
        list_transform(range(n_places), lambda each: each = place) as in_sets
    from ({alone})
"""
OF_GENE = """
    select *
    from {relation}
    where gene_idx = {gene_idx}
"""

EXPLAIN = """
with targets as (
    select
        designs.cell_type,
        designs.cell_type_idx,
        designs.design_idx,
        designs.n_donors,
        genes.gene_idx,
        genes.gene_id,
        genes.region_idx,
        genes.tss_pos
    from int_rvat__expressed as expressed
    inner join int_rvat__designs as designs
        on expressed.cell_type_idx = designs.cell_type_idx
    inner join int_rvat__genes as genes
        on expressed.gene_id = genes.gene_id
    where
        genes.gene_idx = $gene_idx
        and ($cell_type is null or designs.cell_type = $cell_type)
),

designs as (
    select distinct
        design_idx,
        n_donors,
        gene_idx,
        gene_id,
        region_idx,
        tss_pos
    from targets
),

window_variants as (
    select
        variants.variant_idx,
        variants.variant_id,
        variants.pos
    from raw.variants as variants
    inner join int_rvat__genes as genes
        on
            variants.chrom = genes.chrom
            and variants.pos between genes.window_start and genes.window_end
    where
        genes.gene_idx = $gene_idx
        and variants.genotype_load_id is not null
),

calls as materialized (
    select
        variant_idx,
        donor_idx,
        dosage
    from genotypes
    where
        variant_idx between $first_idx and $last_idx
        and variant_idx in (select window_variants.variant_idx from window_variants)
),

genotyped as (
    select count(*) as n_donors
    from raw.donors
    where is_genotyped
),

carried as (
    select
        calls.variant_idx,
        coalesce(sum(cast(calls.dosage as double)), 0) as copies,
        any_value(genotyped.n_donors) - count(*) filter (where calls.dosage is null) as n_called,
        least(copies, 2 * n_called - copies) / nullif(2 * n_called, 0) as maf
    from calls
    cross join genotyped
    group by calls.variant_idx
),

counted as (
    select
        donors.design_idx,
        calls.variant_idx,
        -- dosages are multiples of 1/16384, so that these sums are exact
        sum(cast(calls.dosage as double)) as copies,
        count(*) filter (where calls.dosage is null) as n_missing,
        count(*) filter (where calls.dosage >= 0.5) as n_with_alt,
        count(*) filter (where calls.dosage > 1.5) as n_without_ref
    from calls
    inner join int_rvat__design_donors as donors
        on calls.donor_idx = donors.donor_idx
    group by donors.design_idx, calls.variant_idx
),

measured as (
    select
        designs.*,
        window_variants.variant_idx,
        window_variants.variant_id,
        window_variants.pos,
        coalesce(counted.copies, 0) as copies,
        coalesce(counted.n_missing, 0) as n_missing,
        designs.n_donors - coalesce(counted.n_missing, 0) as n_called,
        coalesce(counted.n_with_alt, 0) as n_with_alt,
        coalesce(counted.n_without_ref, 0) as n_without_ref,
        coalesce(carried.copies > 0 and carried.copies < 2 * carried.n_called, false)
            as varies_somewhere,
        carried.maf as genotyped_maf
    from designs
    cross join window_variants
    left join counted
        on
            designs.design_idx = counted.design_idx
            and window_variants.variant_idx = counted.variant_idx
    left join carried
        on window_variants.variant_idx = carried.variant_idx
),

options as (
    select
        options,
        options.fold as is_folded,
        maf_donors
    from int_rvat__options
),

judged as (
    select
        measured.*,
        case
            when measured.n_called > 0
                then least(measured.copies, 2 * measured.n_called - measured.copies)
                    / (2 * measured.n_called)
        end as tested_maf,
        case
            when options.maf_donors = 'genotyped' then measured.genotyped_maf else tested_maf
        end as maf,
        case
            when measured.copies > measured.n_called and options.is_folded
                then measured.n_called - measured.n_without_ref
            else measured.n_with_alt
        end as n_carriers,
        pairs.weights,
        list_transform(
            list_filter(list_zip($sets, pairs.in_sets), lambda each: each[2]),
            lambda each: each[1]
        ) as sets,
        len(list_filter(
            pairs.weights, lambda weight: weight is not null and not isnan(weight)
        )) as n_weights,
        case
            when measured.n_called = 0 then 'no_calls'
            when tested_maf = 0 and not measured.varies_somewhere then 'monomorphic'
            when tested_maf = 0 then 'only_in_untested_donors'
            when maf >= $largest_maf then 'maf_too_high'
            when pairs.variant_idx is null then 'since_last_build'
            when not list_contains(pairs.in_sets, true) then 'not_in_mask'
            when n_weights = 0 then 'no_weight'
            else 'tested'
        end as status
    from measured
    cross join options
    left join int_rvat__pairs as pairs
        on
            measured.design_idx = pairs.design_idx
            and measured.gene_idx = pairs.gene_idx
            and measured.variant_idx = pairs.variant_idx
),

single as (
    select unnest(rvat_region(
        designs.region_idx,
        designs.design_idx,
        {
            'pairs': $pairs,
            'variants': 'int_rvat__variants',
            'donors': 'int_rvat__design_donors',
            'covariates': 'int_rvat__covariates',
            'phenotypes': $phenotypes,
            'expression': $expression,
            'rare': 'raw.genotypes_rare',
            'common': 'raw.genotypes_common'
        },
        struct_update(
            options.options,
            aggregations := ['sum'],
            tests := cast([] as varchar[]),
            kernel_weights := cast([] as integer[])
        )
    )) as test
    from designs
    cross join options
),

alone as (
    {alone}
),

consequences as (
    {consequences}
),

v2g as (
    {v2g}
)

select
    targets.cell_type,
    judged.variant_id,
    judged.status,
    judged.pos - judged.tss_pos as tss_distance_bp,
    judged.maf,
    judged.n_carriers,
    judged.n_missing,
    judged.sets,
    judged.weights,
    consequences.consequence_term as consequence,
    consequences.impact,
    v2g.overall_score as v2g_score,
    single.test.beta as beta,
    single.test.se as se,
    exp(single.test.log_p) as p_value,
    case
        when single.test.log_p is not null then greatest(0.0, -single.test.log_p / ln(10.0))
    end as log10p,
    single.test.status as test_status
from judged
inner join targets
    on judged.design_idx = targets.design_idx
left join alone
    on
        judged.design_idx = alone.design_idx
        and judged.variant_idx = alone.variant_idx
left join single
    on
        judged.status = 'tested'
        and targets.cell_type_idx = single.test.cell_type_idx
        -- a gene that cannot be tested in a cell type has one row without a set
        and coalesce(single.test.set_idx, alone.place) = alone.place
left join consequences
    on judged.variant_id = consequences.variant_id
left join v2g
    on judged.variant_id = v2g.variant_id
order by
    targets.cell_type,
    judged.status <> 'tested',
    single.test.log_p nulls last,
    judged.status,
    judged.variant_idx
"""

OPTIONAL = {
    "annotations_picked": """
    select
        variant_id,
        consequence_term,
        impact
    from annotations_picked
    where gene_id = $gene_id
    """,
    "v2g_scores": """
    select
        variant_id,
        overall_score
    from v2g_scores
    where gene_id = $gene_id
    """,
}
NOTHING = {
    "annotations_picked": """
    select
        variant_id,
        cast(null as varchar) as consequence_term,
        cast(null as varchar) as impact
    from raw.variants
    where $gene_id is null
    """,
    "v2g_scores": """
    select
        variant_id,
        cast(null as double) as overall_score
    from raw.variants
    where $gene_id is null
    """,
}
