"""The SQL behind `varhouse.ask.rare_variant_sets`."""

from __future__ import annotations

# Relations that rvat_region reads on a connection of its own, so they are texts, not parameters.
# A load numbers the variants anew: what was built knows them by their ids.
PAIRS = """
    select
        pairs.region_idx,
        pairs.design_idx,
        pairs.gene_idx,
        variants.variant_idx,
        pairs.weights,
        pairs.in_sets
    from int_rvat__pairs as pairs
    inner join int_rvat__variants as built
        on
            pairs.design_idx = built.design_idx
            and pairs.variant_idx = built.variant_idx
    inner join raw.variants as variants
        on
            built.chrom = variants.chrom
            and built.pos = variants.pos
            and built.variant_id = variants.variant_id
    where pairs.gene_idx = {gene_idx}
"""
# Each variant of a design is a set of its own, so that the tests of genes make single-variant
# tests, too: the same donors, covariates and transformed expression.
ALONE = """
    select
        pairs.region_idx,
        pairs.design_idx,
        pairs.gene_idx,
        pairs.variant_idx,
        cast(row_number() over (variants_of_design) - 1 as integer) as place,
        count(*) over (partition by pairs.design_idx) as n_places
    from ({pairs}) as pairs
    where list_contains(pairs.in_sets, true)
    window variants_of_design as (partition by pairs.design_idx order by pairs.variant_idx)
"""
SETS = """
    select
        *,
        [cast(1.0 as double)] as weights,
        list_transform(range(n_places), lambda each: each = place) as in_sets
    from ({alone})
"""
# where a variant's calls are stored may have changed since the build: look in both tables
VARIANTS = """
    select
        design_idx,
        variant_idx,
        true as is_common
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
        least(copies, 2 * n_called - copies) / nullif(2 * n_called, 0) as maf,
        -- who has no entry has a dosage of 0
        case when count(calls.dosage) < n_called then 0 else min(calls.dosage) end
            < max(calls.dosage) as is_varying
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
        count(*) filter (where calls.dosage > 1.5) as n_without_ref,
        count(calls.dosage) as n_entries,
        min(calls.dosage) as least_dosage,
        max(calls.dosage) as largest_dosage
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
        coalesce(
            case
                when counted.n_entries + counted.n_missing < designs.n_donors then 0
                else counted.least_dosage
            end < counted.largest_dosage,
            false
        ) as is_varying,
        coalesce(carried.is_varying, false) as varies_somewhere,
        -- a variant without entries is one that everybody has the reference of
        case when carried.variant_idx is null then 0 else carried.maf end as genotyped_maf
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

pairs as (
    {pairs}
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
            when not measured.is_varying and not measured.varies_somewhere then 'monomorphic'
            when not measured.is_varying then 'only_in_untested_donors'
            when maf >= $largest_maf then 'maf_too_high'
            when pairs.variant_idx is null then 'since_last_build'
            when not list_contains(pairs.in_sets, true) then 'not_in_mask'
            when n_weights = 0 then 'no_weight'
            else 'tested'
        end as status
    from measured
    cross join options
    left join pairs
        on
            measured.design_idx = pairs.design_idx
            and measured.variant_idx = pairs.variant_idx
            -- all with one copy have a frequency below cut-offs above 1/2
            and measured.is_varying
),

single as (
    select unnest(rvat_region(
        designs.region_idx,
        designs.design_idx,
        {
            'pairs': $sets_alone,
            'variants': $variants,
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
    {weights},
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

# Consequences by what masks go by.
CONSEQUENCES = {
    "gene": """
    select
        variant_id,
        consequence_term,
        impact
    from annotations_picked
    where gene_id = $gene_id
    """,
    "variant": """
    select
        variant_id,
        consequence_term,
        impact
    from annotations_picked
    where variant_id in (select window_variants.variant_id from window_variants)
    -- one row a variant, unless the picks were made anew by gene
    qualify count(*) over (partition by variant_id) = 1
    """,
    "first_row": """
    select
        consequences.variant_id,
        severities.consequence_term,
        consequences.impact
    from stg_annotations__consequences as consequences
    inner join int_annotations__severities as severities
        on consequences.consequence_key = severities.consequence_key
    where consequences.variant_id in (select window_variants.variant_id from window_variants)
    qualify row_number() over (
        partition by consequences.variant_id
        order by consequences.load_id, consequences.file_rank
    ) = 1
    """,
}
NO_CONSEQUENCES = """
    select
        variant_id,
        cast(null as varchar) as consequence_term,
        cast(null as varchar) as impact
    from window_variants
    """
V2G = """
    select
        variant_id,
        overall_score
    from v2g_scores
    where gene_id = $gene_id
    """
NO_V2G = """
    select
        variant_id,
        cast(null as double) as overall_score
    from window_variants
    -- never so: a parameter that is given has to be asked for
    where $gene_id is null
    """
