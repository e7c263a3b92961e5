-- Combination of p-values by the Cauchy distribution (Liu et al. 2019); equal weights without any.
create or replace temp macro acat(p_values, weights := null) as
    acat_weighted(
        cast(p_values as double[]),
        cast(coalesce(weights, list_transform(p_values, lambda p: 1.0)) as double[])
    );
