-- Canonical chrom_pos_ref_alt of any usual spelling of one variant, NULL when the text is none:
-- chr22:16388891:G:A, 22-16388891-G-A, 22_16388891_G_A_b38, 1_65568_A/C, lower-case alleles.
-- 23, 24, 26 and M are X, Y, MT and MT; an allele may be bases, . * <DEL> or a breakend (G. or .G).
-- The loaders read ids by the same rule (varhouse.ingest.keys; a test holds the two together).
create or replace temp macro variant_key(variant_text) as
    list_transform(
        -- a list of one: its parts get a name without a subquery, so that the macro works anywhere
        [
            regexp_extract(
                trim(variant_text),
                '(?i)^(?:chr)?0?([1-9]|1[0-9]|2[0-46]|X|Y|MT?)'
                || '[:_-]0*([1-9][0-9]{0,8})'
                || '[:_-]([ACGTN]+\.?|\.[ACGTN]*|\*|<[^<>\s]+>)'
                || '[:_/>-]([ACGTN]+\.?|\.[ACGTN]*|\*|<[^<>\s]+>)'
                || '(?:_b3[78])?$',
                ['chrom', 'pos', 'ref', 'alt']
            )
        ],
        lambda parts: case
            when parts.pos <> '' then
                case upper(parts.chrom)
                    when '23' then 'X'
                    when '24' then 'Y'
                    when '26' then 'MT'
                    when 'M' then 'MT'
                    else upper(parts.chrom)
                end
                || '_' || parts.pos || '_' || upper(parts.ref) || '_' || upper(parts.alt)
        end
    )[1];
