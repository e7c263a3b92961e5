"""What GTF and GFF3 lines say in their ninth column, as SQL over ``feature, attributes, level``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """SQL expressions over ``feature``, ``attributes`` and ``level``; text unless said otherwise.

    Attributes
    ----------
    level
        ``gene``, ``transcript`` or ``exon``, NULL for lines that are not read; over ``feature`` and
        ``attributes`` only.
    gene_key, transcript_key
        What links the lines of a gene and of a transcript inside the file.
    gene_text, transcript_text
        Their ids.
    synonyms, tags
        VARCHAR[].
    """

    level: str
    gene_key: str
    transcript_key: str
    gene_text: str
    gene_version: str
    gene_name: str
    gene_biotype: str
    synonyms: str
    transcript_text: str
    transcript_version: str
    transcript_biotype: str
    tags: str


def _in_gtf(name: str) -> str:
    # The first two branches are what almost every file writes, at a fifth of the regex's cost.
    pattern = rf"'(?:^|;)\s*{name}\s+\"?([^\";]*)'"
    first, later = f'{name} "', f'; {name} "'
    return (
        f"nullif(trim(case when starts_with(attributes, '{first}') "
        f"then split_part(attributes, '\"', 2) "
        f"when contains(attributes, '{later}') "
        f"then split_part(split_part(attributes, '{later}', 2), '\"', 1) "
        f"when contains(attributes, '{name}') then regexp_extract(attributes, {pattern}, 1) "
        "end), '')"
    )


def gtf_attributes() -> Attributes:
    """Return how GTF says things: ``gene_id "ENSG00000223972.5"; gene_type "..."; tag "basic";``.

    RefSeq's gene_id is a symbol that need not be unique; its number stands in db_xref.
    """
    entrez = r"nullif(regexp_extract(attributes, 'db_xref\s+\"(GeneID:[0-9]+)\"', 1), '')"
    synonym = r"'(?:^|;)\s*gene_synonym\s+\"([^\"]+)\"'"
    return Attributes(
        level="case feature when 'gene' then 'gene' when 'transcript' then 'transcript' "
        "when 'mRNA' then 'transcript' when 'exon' then 'exon' end",
        gene_key=_in_gtf("gene_id"),
        # GENCODE 19 repeats the gene's id as transcript_id on gene lines
        transcript_key=f"case when level <> 'gene' then {_in_gtf('transcript_id')} end",
        gene_text=f"coalesce({entrez}, {_in_gtf('gene_id')})",
        gene_version=_in_gtf("gene_version"),
        gene_name=f"coalesce({_in_gtf('gene_name')}, {_in_gtf('gene')})",
        gene_biotype=f"coalesce({_in_gtf('gene_biotype')}, {_in_gtf('gene_type')})",
        synonyms=f"nullif(list_sort(list_distinct(regexp_extract_all(attributes, {synonym}, 1))), "
        "[])",
        transcript_text=_in_gtf("transcript_id"),
        transcript_version=_in_gtf("transcript_version"),
        transcript_biotype=f"coalesce({_in_gtf('transcript_biotype')}, "
        f"{_in_gtf('transcript_type')})",
        tags=r"regexp_extract_all(attributes, '(?:^|;)\s*tag\s+\"?([^\";]*)', 1)",
    )


def _in_gff3(name: str) -> str:
    value = rf"trim(regexp_extract(attributes, '(?:^|;)\s*{name}=([^;]*)', 1))"
    return f"nullif({value}, '')"


def _words_in_gff3(name: str) -> str:
    """A list; the commas between its words are not escaped, those inside them are."""
    return (
        f"list_transform(string_split({_in_gff3(name)}, ','), lambda word: url_decode(trim(word)))"
    )


# Below a gene or transcript, but neither of the two.
_PARTS = (
    "CDS", "UTR", "five_prime_UTR", "three_prime_UTR", "start_codon", "stop_codon", "intron",
    "stop_codon_redefined_as_selenocysteine", "polypeptide",
)  # fmt: skip


def gff3_attributes() -> Attributes:
    """Return how GFF3 says things: ``ID=gene:ENSG..;Parent=..;Dbxref=GeneID:1,HGNC:HGNC:5``.

    Ensembl and RefSeq give genes and transcripts many types (``lincRNA_gene``, ``pseudogene``,
    ``RNA``): a gene is a line without a parent that names itself a gene, a transcript is a line
    below a gene, or one that calls itself so and names its gene (``geneID`` of gffread, ``gene_id``
    of rtracklayer), or has a transcript id. Genes of RefSeq keep their number, ``GeneID:1``.
    """
    parent, own = _in_gff3("Parent"), _in_gff3("ID")
    named = f"coalesce({_in_gff3('gene_id')}, {_in_gff3('geneID')})"
    above = f"string_split({parent}, ',')[1]"
    entrez = r"nullif(regexp_extract(attributes, '[=,](GeneID:[0-9]+)', 1), '')"
    bare_parent = f"regexp_replace({above}, '^gene[:-]', '')"
    is_gene = (
        f"{parent} is null and (feature = 'gene' or ends_with(feature, '_gene') "
        rf"or regexp_matches(attributes, '(^|;)\s*(ID=gene[:-]|gbkey=Gene(;|$))'))"
    )
    # whose parent is the transcript that it names is a part of it
    is_transcript = (
        f"(feature in ('mRNA', 'transcript') and coalesce({parent}, {named}) is not null) "
        f"or not ends_with({parent}, {_in_gff3('transcript_id')}) "
        rf"or regexp_matches(attributes, '(^|;)\s*Parent=gene')"
    )
    parts = ", ".join(f"'{part}'" for part in _PARTS)
    return Attributes(
        level=f"case when feature = 'exon' then 'exon' when feature in ({parts}) then null "
        f"when {is_gene} then 'gene' when {is_transcript} then 'transcript' end",
        gene_key=f"case level when 'gene' then coalesce({own}, {named}) "
        f"when 'transcript' then coalesce({parent}, {named}) "
        f"else coalesce({named}, {entrez}, {parent}) end",
        transcript_key=f"case level when 'transcript' then coalesce({own}, "
        f"{_in_gff3('transcript_id')}) "
        f"when 'exon' then coalesce({above}, {_in_gff3('transcript_id')}) end",
        gene_text=f"coalesce({named}, {entrez}, "
        f"case level when 'gene' then regexp_replace({own}, '^gene[:-]', '') "
        f"else {bare_parent} end)",
        gene_version=_in_gff3("version"),
        gene_name=f"url_decode(coalesce({_in_gff3('gene_name')}, {_in_gff3('gene')}, "
        f"case when level = 'gene' then {_in_gff3('Name')} end))",
        gene_biotype=f"coalesce({_in_gff3('gene_biotype')}, {_in_gff3('gene_type')}, "
        f"case when level = 'gene' then {_in_gff3('biotype')} end)",
        synonyms=f"list_sort(list_distinct({_words_in_gff3('gene_synonym')}))",
        transcript_text=f"coalesce({_in_gff3('transcript_id')}, regexp_replace(case level "
        f"when 'exon' then {above} else {own} end, "
        "'^(transcript:|rna-)', ''))",
        transcript_version=_in_gff3("version"),
        transcript_biotype=f"coalesce({_in_gff3('transcript_type')}, "
        f"{_in_gff3('transcript_biotype')}, {_in_gff3('biotype')}, feature)",
        tags=_words_in_gff3("tag"),
    )
