with variants as (
    select
        variant_idx,
        chrom,
        pos,
        end_pos,
        {{ bin('pos') }} as first_bin
    from {{ ref('int_v2g__variants') }}
),

intervals as (
    select
        chrom,
        start_pos,
        end_pos,
        gene_id,
        type_id,
        source_id,
        feature,
        -- of several loads the strongest, which may be the lowest
        arg_max(score, {{ interval_score('source_id', 'score') }}) as score,
        max(load_id) as load_id
    from {{ source('raw', 'intervals') }}
    {% if v2g_choice('interval_zero', ['keep', 'drop']) == 'drop' -%}
    where score <> 0
    {%- endif %}
    group by chrom, start_pos, end_pos, gene_id, type_id, source_id, feature
),

interval_bins as (
    select
        *,
        {{ bins('start_pos', 'end_pos') }} as interval_bin
    from intervals
),

variant_bins as (
    select
        variant_idx,
        chrom,
        pos,
        end_pos,
        first_bin,
        {{ bins('pos', 'end_pos') }} as variant_bin
    from variants
),

overlapping as (
    select
        variant_bins.variant_idx,
        interval_bins.gene_id,
        interval_bins.type_id,
        interval_bins.source_id,
        interval_bins.feature,
        interval_bins.score,
        interval_bins.load_id
    from variant_bins
    inner join interval_bins
        on variant_bins.chrom = interval_bins.chrom
        and variant_bins.variant_bin = interval_bins.interval_bin
        -- both ends belong to the interval
        and variant_bins.pos <= interval_bins.end_pos
        and variant_bins.end_pos >= interval_bins.start_pos
        -- a pair that shares several bins counts in the first of them only
        and variant_bins.variant_bin
        = greatest(variant_bins.first_bin, {{ bin('interval_bins.start_pos') }})
)

select * from overlapping
