-- What the scores could not use, or use in a way that a reader should know about.
{%- set ranked_in = '' if var('v2g_reference') is none else ' in the quantile reference' %}
with links as (
    select
        links.source_id,
        coalesce(links.feature, 'unspecified') as feature,
        variants.variant_idx is null as has_no_variant,
        genes.gene_idx is null as has_no_gene,
        coalesce(isnan(links.score), true) as has_no_score
    from {{ ref('int_v2g__links') }} as links
    left join {{ ref('int_v2g__variants') }} as variants
        on links.variant_id = variants.variant_id
    left join {{ ref('int_v2g__genes') }} as genes
        on links.gene_id = genes.gene_id
),

dropped as (
    select
        source_id,
        feature,
        count_if(has_no_variant) as n_without_variant,
        count_if(has_no_gene) as n_without_gene,
        count_if(has_no_score) as n_without_score
    from links
    group by source_id, feature
),

interval_genes as (
    select
        intervals.source_id,
        intervals.feature,
        count(*) as n
    from {{ source('raw', 'intervals') }} as intervals
    left join {{ ref('int_v2g__genes') }} as genes
        on intervals.gene_id = genes.gene_id
    where genes.gene_idx is null
    group by intervals.source_id, intervals.feature
),

group_sizes as (
    select
        groups.source_id,
        groups.feature,
        sum(counts.n_rows) as n
    from {{ ref('int_v2g__score_counts') }} as counts
    inner join {{ ref('int_v2g__groups') }} as groups
        on counts.group_idx = groups.group_idx
    group by groups.source_id, groups.feature
),

ranked_groups as (
    -- what quantiles are made of: the rows of this build, or those of the frozen reference
    select
        group_sizes.source_id,
        group_sizes.feature,
        max(cut_points.n_rows) as n,
        -- equal scores have all nodes of sklearn10; few scores below many ties lose their own tenth
        least(
            count(distinct cut_points.score_upper), count(distinct cut_points.quantile)
        ) as n_quantiles
    from group_sizes
    inner join {{ ref('v2g_cut_points') }} as cut_points
        on group_sizes.source_id = cut_points.source_id
        and group_sizes.feature = cut_points.feature
    group by group_sizes.source_id, group_sizes.feature
),

unreferenced as (
    select
        groups.source_id,
        groups.feature,
        group_sizes.n
    from group_sizes
    inner join {{ ref('int_v2g__groups') }} as groups
        on group_sizes.source_id = groups.source_id
        and group_sizes.feature = groups.feature
    where not exists (
        select 1
        from {{ ref('v2g_cut_points') }} as cut_points
        where
            cut_points.source_id = groups.source_id
            and cut_points.feature = groups.feature
    )
),

terms as (
    select
        'vep' as source_id,
        seen.consequence_term as feature,
        seen.n
    from (
        select
            consequence_term,
            count(*) as n
        from (
            select consequence_term from {{ ref('stg_evidence__consequences') }}
            union all
            select consequence_term from {{ ref('stg_vep__consequences') }}
        ) as consequences
        group by consequence_term
    ) as seen
    where seen.consequence_term not in (
        select known.consequence_term
        from {{ ref('v2g_vep_scores') }} as known
        where known.vep_map = '{{ v2g_option("vep_map") }}'
    )
),

warnings as (
    select
        'variant_not_in_index' as code,
        source_id,
        feature,
        n_without_variant as n,
        'evidence rows whose variant is not in the variant index: not scored' as message
    from dropped
    where n_without_variant > 0
    union all
    select
        'gene_unknown' as code,
        source_id,
        feature,
        n_without_gene as n,
        'evidence rows whose gene is not in the gene table: not scored' as message
    from dropped
    where n_without_gene > 0
    union all
    select
        'gene_unknown' as code,
        source_id,
        feature,
        n,
        'intervals whose gene is not in the gene table: not scored' as message
    from interval_genes
    union all
    select
        'score_missing' as code,
        source_id,
        feature,
        n_without_score as n,
        'evidence rows without a score (NULL or NaN): dropped before ranking' as message
    from dropped
    where n_without_score > 0
    union all
    select
        'loaded_twice' as code,
        source_id,
        feature,
        n,
        'rows that agree with another of their source and feature, which came in several files, in '
        || 'variant, gene and score: each counts in the quantiles (load_issues: loaded_before)'
        as message
    from {{ ref('int_v2g__repeated_rows') }}
    union all
    select
        'single_row_group' as code,
        source_id,
        feature,
        n,
        'the only row of its source and feature{{ ranked_in }}: '
        || 'its quantile says nothing' as message
    from ranked_groups
    where n = 1
    union all
    select
        'constant_group' as code,
        source_id,
        feature,
        n,
        'all scores of this source and feature{{ ranked_in }} '
        || 'are equal, or so many tied that all have one quantile: the source cannot tell genes '
        || 'apart, yet its weight counts in the denominator '
        || '(see the options constant and, for ties, quantile)' as message
    from ranked_groups
    where n > 1 and n_quantiles = 1
    union all
    select
        'group_not_in_reference' as code,
        source_id,
        feature,
        n,
        'the quantile reference has no cut points for this source and feature: not scored'
        as message
    from unreferenced
    union all
    select
        'consequence_unknown' as code,
        source_id,
        feature,
        n,
        'rows whose consequence term the VEP score map does not know: scored 0' as message
    from terms
)

select
    code,
    source_id,
    feature,
    cast(n as bigint) as n,
    message
from warnings
