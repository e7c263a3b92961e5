"""Fields of an annotation as VEP and SnpEff name them, and as they are stored."""

from __future__ import annotations

from collections.abc import Mapping

from varhouse.ingest.annotations.values import NO_PLACE, place_among_sql
from varhouse.ingest.keys import (
    MISSING,
    gene_id_sql,
    missing_sql,
    number_sql,
    one_of_sql,
)
from varhouse.sql_text import text_literal

# Ours -> VEP's and SnpEff's, in lower case, the one that wins first.
_NAMES = {
    "gene": ("gene", "gene_id"),
    "gene_name": ("symbol", "gene_name"),
    "feature": ("feature", "feature_id"),
    "feature_type": ("feature_type",),
    "consequence": ("consequence", "annotation"),
    "impact": ("impact", "annotation_impact"),
    "biotype": ("biotype", "transcript_biotype"),
    "canonical": ("canonical",),
    "mane_select": ("mane_select", "mane"),
    "protein": ("ensp",),
    "exon": ("exon",),
    "intron": ("intron",),
    "hgvsc": ("hgvsc", "hgvs.c"),
    "hgvsp": ("hgvsp", "hgvs.p"),
    "protein_pos": ("protein_position", "aa.pos / aa.length"),
    "amino_acids": ("amino_acids",),
    "sift": ("sift",),
    "polyphen": ("polyphen",),
    "allele": ("allele",),
    "allele_num": ("allele_num",),
    # of dbNSFP, whose lists of values are in its order
    "listed_transcripts": ("ensembl_transcriptid",),
}

# Numbers and codes that say what was annotated, not how strongly; in lower case.
_NO_SCORES = frozenset(
    name for names in _NAMES.values() for name in names
) | {
    "uploaded_variation", "location", "extra", "used_ref", "ref_allele", "given_ref",
    "uploaded_allele", "cdna_position", "cds_position", "codons", "existing_variation", "strand",
    "flags", "pick", "variant_class", "minimised", "symbol_source", "hgnc_id", "mane_select",
    "mane_plus_clinical", "tsl", "appris", "ccds", "swissprot", "trembl", "uniparc",
    "uniprot_isoform", "refseq_match", "refseq_offset", "source", "gene_pheno", "domains", "mirna",
    "hgvs_offset", "hgvsg", "spdi", "clin_sig", "somatic", "pheno", "pubmed", "motif_name",
    "motif_pos", "high_inf_pos", "transcription_factors", "bam_edit", "ind", "zyg", "ncbi",
    "cdna.pos / cdna.length", "cds.pos / cds.length", "rank", "errors / warnings / info",
    "pos(1-based)", "hg19_pos(1-based)", "hg18_pos(1-based)", "hg19_chr", "hg18_chr", "aapos",
    "codonpos", "codon_degeneracy",
}  # fmt: skip


def field_select(
    columns: Mapping[str, str],
    *,
    scores: Mapping[str, str] | None = None,
    value_place: str | None = None,
) -> str:
    """Return a SELECT list of every field under our name, as text, and of the possible scores.

    Parameters
    ----------
    columns
        A field's name in the file -> SQL expression of its text.
    scores
        The same of those that may be scores; None for all that VEP does not use otherwise.
    value_place
        SQL of the row's place in lists of values, see `varhouse.ingest.annotations.values`; None
        for that of its feature among dbNSFP's transcripts, where the file has them.

    Returns
    -------
    str
        ``<field>_text`` for each field (NULL where the file has no such field), ``score_cells``, a
        list of ``struct(name, cell)``, and ``value_place``.
    """
    known = {name.strip().lower(): expression for name, expression in columns.items()}
    picked = []
    for ours, theirs in _NAMES.items():
        found = [known[name] for name in theirs if name in known]
        expression = found[0] if found else "cast(null as varchar)"
        if ours == "canonical" and found:
            # where some rows are flagged, those without the flag are not canonical
            expression = f"coalesce({expression}, '-')"
        picked.append(f"{expression} as {ours}_text")
    if scores is None:
        scores = {
            name: expression
            for name, expression in columns.items()
            if name.strip().lower() not in _NO_SCORES
        }
    if value_place is None:
        listed, feature = (
            next((known[name] for name in _NAMES[field] if name in known), None)
            for field in ("listed_transcripts", "feature")
        )
        value_place = place_among_sql(listed, feature) if listed and feature else NO_PLACE
    picked.append(f"{value_place} as value_place")
    return ", ".join([*picked, f"{_score_cells_sql(scores)} as score_cells"])


def _score_cells_sql(scores: Mapping[str, str]) -> str:
    """Return a list of ``struct(name, cell)``: what may be a score, still as text."""
    cells = ", ".join(
        f"struct_pack(name := {text_literal(name)}, cell := {expression})"
        for name, expression in scores.items()
    )
    return f"cast([{cells}] as struct(name varchar, cell varchar)[])"


def _finite_sql(cell: str) -> str:
    """Return text as a finite DOUBLE, NULL when it is none: NaN says "not there"."""
    number = number_sql(cell)
    return f"case when isfinite({number}) then {number} end"


def read_cells_sql(cells: str) -> str:
    """Return a list of ``struct(name, cell, score)`` of the cells that are not plainly empty.

    ``score`` is NULL or not finite where the text is no number.
    """
    empty = ", ".join(text_literal(word) for word in ("", "-", ".", "NA"))
    return (
        f"list_transform(list_filter({cells}, lambda each: each.cell not in ({empty})), "
        "lambda each: struct_pack(name := each.name, cell := each.cell, "
        f"score := {number_sql('each.cell')}))"
    )


def score_map_sql(cells: str) -> str:
    """Return the map of the finite scores of a list of ``struct(name, score)``."""
    # -0 and 0 are one score, but two texts
    return (
        f"map_from_entries(list_transform(list_filter({cells}, lambda each: "
        "isfinite(each.score)), lambda each: struct_pack(name := each.name, "
        "score := case when each.score = 0 then 0 else each.score end)))"
    )


def _prediction_sql(text: str) -> str:
    """Return the prediction of ``tolerated(0.17)`` or ``tolerated``."""
    word = rf"regexp_extract({text}, '^\s*([A-Za-z][A-Za-z _-]*)', 1)"
    return rf"nullif(lower(regexp_replace(trim({word}), '[ -]+', '_', 'g')), '')"


def _prediction_score_sql(text: str) -> str:
    """Return the score of ``tolerated(0.17)`` or ``0.17``."""
    inner = rf"regexp_extract({text}, '\(([^()]*)\)\s*$', 1)"
    return _finite_sql(f"coalesce(nullif({inner}, ''), {text})")


def given_select() -> str:
    """Return the SELECT list of the fields that others are made of, absent ones as NULL."""
    return ", ".join(
        f"{missing_sql(f'{name}_text')} as {name}_given"
        for name in ("gene", "feature", "feature_type")
    )


def typed_select() -> str:
    """Return the SELECT list that makes stored columns of what `field_select` yields.

    It reads `given_select` and ``read_cells`` besides, and yields ``unreadable``, the names
    of those cells that say something, but no finite number.
    """
    kind = "lower(replace(feature_type_given, '_', ''))"
    is_transcript = f"({kind} = 'transcript' or {kind} is null)"
    transcript = (
        "case when contains(feature_given, '.') then "
        r"regexp_replace(feature_given, '^(ENS[A-Z]*T[0-9]+)\.[0-9]+$', '\1') "
        "else feature_given end"
    )
    terms = rf"regexp_replace({missing_sql('consequence_text')}, '\s', '', 'g')"
    position = r"regexp_extract_all(split_part(protein_pos_text, '/', 1), '[0-9]+')"
    missing = one_of_sql("upper(trim(each.cell))", (*MISSING, "NAN"))
    columns = {
        # SnpEff names both neighbours of an intergenic variant; genes of RefSeq are bare numbers
        "gene_id": f"case when {kind} = 'intergenicregion' then null "
        "when regexp_full_match(gene_given, '[0-9]+') then 'GeneID:' || gene_given "
        f"else {gene_id_sql('gene_given')} end",
        "gene_name": missing_sql("gene_name_text"),
        "transcript_id": f"case when {is_transcript} then {transcript} end",
        "regulatory_id": f"case when not {is_transcript} and {kind} <> 'intergenicregion' "
        "then feature_given end",
        "feature_type": f"case {kind} when 'transcript' then 'Transcript' "
        "when 'regulatoryfeature' then 'RegulatoryFeature' "
        "when 'motiffeature' then 'MotifFeature' "
        "when 'intergenicregion' then null else feature_type_given end",
        "consequence_terms": f"nullif(list_filter(string_split_regex({terms}, '[,&]'), "
        "lambda term: term <> ''), cast([] as varchar[]))",
        "impact": missing_sql("impact_text"),
        "biotype": missing_sql("biotype_text"),
        "is_canonical": "case when canonical_text is not null "
        "then upper(trim(canonical_text)) in ('YES', '1', 'TRUE') end",
        # VEP's MANE, where that is all there is, names either of two kinds
        "mane_select": "case when not contains(mane_select_text, 'Plus_Clinical') "
        f"then {missing_sql('mane_select_text')} end",
        "protein_id": missing_sql("protein_text"),
        "exon": missing_sql("exon_text"),
        "intron": missing_sql("intron_text"),
        "hgvsc": missing_sql("hgvsc_text"),
        "hgvsp": f"replace({missing_sql('hgvsp_text')}, '%3D', '=')",
        "protein_pos": f"list_min(list_transform({position}, "
        "lambda place: try_cast(place as integer)))",
        "amino_acids": missing_sql("amino_acids_text"),
        "sift_prediction": _prediction_sql(missing_sql("sift_text")),
        "sift_score": _prediction_score_sql(missing_sql("sift_text")),
        "polyphen_prediction": _prediction_sql(missing_sql("polyphen_text")),
        "polyphen_score": _prediction_score_sql(missing_sql("polyphen_text")),
        "scores": score_map_sql("read_cells"),
        "unreadable": "list_transform(list_filter(read_cells, lambda each: "
        f"case when isfinite(each.score) then false else not {missing} end), "
        "lambda each: each.name)",
    }  # fmt: skip
    return ",\n".join(f"{expression} as {name}" for name, expression in columns.items())
