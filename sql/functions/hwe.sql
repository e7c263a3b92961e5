-- Exact test of Hardy-Weinberg proportions (Wigginton, Cutler & Abecasis 2005) of genotype counts;
-- the mid-p-value takes tables exactly as likely as the observed one at half their weight.
create or replace temp macro hwe_p_value(n_hom_ref, n_het, n_hom_alt) as
    hwe_test(cast(n_hom_ref as bigint), cast(n_het as bigint), cast(n_hom_alt as bigint)).p_value;

create or replace temp macro hwe_mid_p_value(n_hom_ref, n_het, n_hom_alt) as
    hwe_test(
        cast(n_hom_ref as bigint), cast(n_het as bigint), cast(n_hom_alt as bigint)
    ).mid_p_value;
