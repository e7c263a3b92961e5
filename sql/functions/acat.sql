-- Combination of p-values by the Cauchy distribution (Liu et al. 2019); equal weights without any.
-- Two macros of one name, because a default of NULL would take NULL weights for equal ones.
create or replace temp macro acat(p_values) as
    acat_weighted(
        cast(p_values as double[]),
        cast(list_transform(p_values, lambda p: 1.0) as double[])
    ), -- noqa: PRS
    (p_values, weights) as acat_weighted(cast(p_values as double[]), cast(weights as double[]));
