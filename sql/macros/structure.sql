{# The arguments of genotype_pcs and genotype_kinship. #}
{% macro structure_arguments() -%}
    {
        'calls': '{{ ref("stg_genotypes__calls") }}',
        'variants': '{{ ref("int_qc__structure_variants") }}',
        'donors': '{{ ref("genotype_donors") }}'
    },
    {
        'n_components': {{ var('genotype_pcs') }},
        'max_r2': {{ var('structure_max_r2') }},
        'window_bp': {{ var('structure_window_bp') }}
    }
{%- endmacro %}
