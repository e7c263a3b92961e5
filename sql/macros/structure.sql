{# The arguments of genotype_pcs and genotype_kinship. #}
{% macro structure_arguments() -%}
    {
        'calls': '{{ ref("stg_genotypes__calls") }}',
        'variants': '{{ ref("int_qc__structure_variants") }}',
        'donors': '{{ ref("genotype_donors") }}'
    },
    {
        'n_components': {{ var_whole('genotype_pcs', 0, 1000) }},
        'max_r2': {{ var_number('structure_max_r2', 0, 1) }},
        'window_bp': {{ var_whole('structure_window_bp', 0, 300000000) }}
    }
{%- endmacro %}
