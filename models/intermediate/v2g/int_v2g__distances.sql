-- Variant-gene pairs within reach of the TSS; empty when the distance source is off.
{%- set reach = checked_number('v2g_max_distance', v2g_option('max_distance'), 0, 300000000) %}
with variants as (
    select
        variant_idx,
        chrom,
        pos
    from {{ ref('int_v2g__variants') }}
),

genes as (
    select
        gene_idx,
        chrom,
        tss_pos
    from {{ ref('int_v2g__genes') }}
    where is_scored
),

windows as (
    select
        gene_idx,
        chrom,
        tss_pos,
        {{ bins('greatest(tss_pos - ' ~ reach ~ ', 0)', 'tss_pos + ' ~ reach) }} as window_bin
    from genes
),

pairs as (
    select
        variants.variant_idx,
        windows.gene_idx,
        cast(abs(variants.pos - windows.tss_pos) as integer) as distance_bp
    from variants
    inner join windows
        on variants.chrom = windows.chrom
        and {{ bin('variants.pos') }} = windows.window_bin
        -- a variant exactly max_distance away counts
        and abs(variants.pos - windows.tss_pos) <= {{ reach }}
    where {{ v2g_choice('distance', [true, false]) | lower }}
)

select * from pairs
