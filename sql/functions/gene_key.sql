-- The gene id that a text spells: an Ensembl id in any case, with or without its version, or any
-- other id as it is (GeneID:351). The loaders cut versions off by the same rule.
create or replace temp macro gene_key(gene_text) as
    case
        when regexp_matches(trim(gene_text), '(?i)^ENS[A-Z]*G[0-9]')
            then upper(regexp_replace(
                trim(gene_text), '(?i)^(ENS[A-Z]*G[0-9]+)\.[0-9]+(_[0-9]+)?', '\1'
            ))
        else trim(gene_text)
    end;
