"""Random gene models and the files that each source writes of them.

The styles are those of the sources' own documentation: what they call lines, ids, biotypes and
tags, which lines they write, and where. What a file leads to is in the twin.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

ACCESSIONS = {"1": "NC_000001.11", "21": "NC_000021.9", "X": "NC_000023.11", "Y": "NC_000024.10",
              "MT": "NC_012920.1"}  # fmt: skip
PATCHES = ("KI270728.1", "chrUn_GL000195v1", "NT_187361.1", "CHR_HSCHR6_MHC_COX_CTG1")
CHROMS = ("1", "21", "X", "Y", "MT")
# How the one transcript that stands for its gene may be tagged.
TAGGED = (
    (), (), ("Ensembl_canonical",), ("Ensembl_canonical", "MANE_Select"), ("MANE_Select",),
    ("appris_principal_2",), ("appris_principal_4", "basic"), ("appris_alternative_1",),
)  # fmt: skip
BIOTYPES = ("protein_coding", "lncRNA", "transcribed_unprocessed_pseudogene", "miRNA")


@dataclass(frozen=True)
class Transcript:
    number: int
    version: int
    exons: tuple[tuple[int, int], ...]
    biotype: str
    # the words of Ensembl and GENCODE; see `REFSEQ_TAGS` for RefSeq's
    tags: tuple[str, ...] = ()

    @property
    def start(self) -> int:
        return min(start for start, _ in self.exons)

    @property
    def end(self) -> int:
        return max(end for _, end in self.exons)


@dataclass(frozen=True)
class Gene:
    number: int
    version: int
    name: str | None
    chrom: str | None
    strand: str
    start: int
    end: int
    biotype: str
    transcripts: tuple[Transcript, ...]
    synonyms: tuple[str, ...] = ()
    patch: str = ""
    # on Y, of a gene that stands on X too
    is_copy: bool = False

    @property
    def ensembl(self) -> str:
        return f"ENSG{self.number:011d}"

    @property
    def entrez(self) -> str:
        return f"GeneID:{self.number}"


REFSEQ_TAGS = {"MANE_Select": "MANE Select", "Ensembl_canonical": "RefSeq Select"}


def random_genes(chance: random.Random, number: int) -> list[Gene]:
    genes: list[Gene] = []
    transcript_number = 0
    for place in range(1, number + 1):
        chrom = chance.choice(CHROMS)
        base = 500 * place
        transcripts = []
        for _ in range(chance.choice([1, 1, 2, 3, 4])):
            transcript_number += 1
            ends = sorted(chance.sample(range(base, base + 400), 2 * chance.randint(1, 4)))
            transcripts.append(
                Transcript(
                    transcript_number, chance.randint(1, 12),
                    tuple(zip(ends[::2], ends[1::2], strict=True)), chance.choice(BIOTYPES),
                )
            )  # fmt: skip
        tagged = chance.choice(TAGGED)
        chosen = chance.randrange(len(transcripts))
        for at, transcript in enumerate(transcripts):
            extra = chance.choice([(), ("basic",), ("appris_principal_3",), ("CCDS", "basic")])
            tags = (*extra, *tagged) if at == chosen else extra
            transcripts[at] = replace(transcript, tags=tuple(dict.fromkeys(tags)))
        start = min(transcript.start for transcript in transcripts)
        end = max(transcript.end for transcript in transcripts)
        genes.append(
            Gene(
                place, chance.randint(1, 20),
                chance.choice([f"SYM{place}", f"SYM-{place}.1", "HLA(D)", None]), chrom,
                chance.choice("+-"), start, end, chance.choice(BIOTYPES), tuple(transcripts),
                chance.choice([(), ("OLD1",), ("B7,x", "A3")]),
            )
        )  # fmt: skip
    for gene in list(genes):
        if gene.chrom == "X" and chance.random() < 0.3:
            genes.append(replace(gene, chrom="Y", is_copy=True))
        elif chance.random() < 0.1:
            genes.append(replace(gene, number=gene.number + 900, chrom=None, transcripts=tuple(
                replace(t, number=t.number + 900) for t in gene.transcripts
            ), patch=chance.choice(PATCHES)))  # fmt: skip
    return genes


def _line(
    gene: Gene, contig: str, source: str, feature: str, span: tuple[int, int], said: str
) -> str:
    cells = [contig, source, feature, *map(str, span), ".", gene.strand, ".", said]
    return "\t".join(cells)


def _quoted(**said: object) -> str:
    """Attributes of GTF; a list is written once for each of its words, None not at all."""
    words = []
    for name, value in said.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                words.append(f'{name} "{each}";')
    return " ".join(words)


def _pairs(**said: object) -> str:
    """Attributes of GFF3, what is reserved escaped."""
    words = []
    for name, value in said.items():
        each = value if isinstance(value, tuple) else (value,)
        if value is not None and each:
            words.append(f"{name}=" + ",".join(quote(str(word), safe=" :()._-") for word in each))
    return ";".join(words)


def ensembl_gtf(gene: Gene) -> Iterator[str]:
    contig = gene.chrom or gene.patch
    of_gene = {"gene_id": gene.ensembl, "gene_version": gene.version}
    named = {"gene_name": gene.name, "gene_source": "havana", "gene_biotype": gene.biotype}
    yield _line(gene, contig, "havana", "gene", (gene.start, gene.end), _quoted(**of_gene, **named))
    for each in gene.transcripts:
        said = of_gene | {"transcript_id": f"ENST{each.number:011d}",
                          "transcript_version": each.version}  # fmt: skip
        more = {"transcript_name": "x; y", "transcript_biotype": each.biotype, "tag": each.tags}
        span = (each.start, each.end)
        yield _line(gene, contig, "havana", "transcript", span, _quoted(**said, **named, **more))
        for rank, exon in enumerate(each.exons, start=1):
            exon_said = _quoted(**said, exon_number=rank, **named, **more)
            yield _line(gene, contig, "havana", "exon", exon, exon_said)
            yield _line(gene, contig, "havana", "CDS", exon, exon_said)


def _gencode_ids(gene: Gene, transcript: Transcript | None = None) -> str:
    number = f"ENST{transcript.number:011d}" if transcript else gene.ensembl
    version = transcript.version if transcript else gene.version
    # until release 43
    return f"{number}.{version}" + ("_PAR_Y" if gene.is_copy and gene.number % 2 else "")


def _chr(gene: Gene) -> str:
    return gene.patch or f"chr{gene.chrom}".replace("chrMT", "chrM")


def gencode_gtf(gene: Gene) -> Iterator[str]:
    contig = _chr(gene)
    of_gene = {"gene_id": _gencode_ids(gene)}
    named = {"gene_type": gene.biotype, "gene_name": gene.name}
    level = " level 2;"
    yield _line(gene, contig, "HAVANA", "gene", (gene.start, gene.end),
                _quoted(**of_gene, **named) + level)  # fmt: skip
    for each in gene.transcripts:
        said = of_gene | {"transcript_id": _gencode_ids(gene, each)} | named
        more = {"transcript_type": each.biotype, "transcript_name": "x"}
        words = _quoted(**said, **more) + level + " " + _quoted(tag=each.tags, ont=("PGO:1",))
        yield _line(gene, contig, "HAVANA", "transcript", (each.start, each.end), words)
        for rank, exon in enumerate(each.exons, start=1):
            exon_said = _quoted(**said, **more) + f" exon_number {rank};{level}"
            yield _line(gene, contig, "HAVANA", "exon", exon, exon_said)


def gencode_gff3(gene: Gene) -> Iterator[str]:
    contig, own = _chr(gene), _gencode_ids(gene)
    named = {"gene_id": own, "gene_type": gene.biotype, "gene_name": gene.name, "level": 2}
    yield _line(gene, contig, "HAVANA", "gene", (gene.start, gene.end), _pairs(ID=own, **named))
    for each in gene.transcripts:
        key = _gencode_ids(gene, each)
        said = named | {"transcript_id": key, "transcript_type": each.biotype, "tag": each.tags}
        yield _line(gene, contig, "HAVANA", "transcript", (each.start, each.end),
                    _pairs(ID=key, Parent=own, **said))  # fmt: skip
        for rank, exon in enumerate(each.exons, start=1):
            yield _line(gene, contig, "HAVANA", "exon", exon,
                        _pairs(ID=f"exon:{key}:{rank}", Parent=key, **said))  # fmt: skip


def ensembl_gff3(gene: Gene) -> Iterator[str]:
    contig, own = gene.chrom or gene.patch, f"gene:{gene.ensembl}"
    feature = {"protein_coding": "gene", "lncRNA": "ncRNA_gene", "miRNA": "ncRNA_gene"}
    yield _line(
        gene, contig, "ensembl_havana", feature.get(gene.biotype, "pseudogene"),
        (gene.start, gene.end),
        _pairs(ID=own, Name=gene.name, biotype=gene.biotype, description="a; b [Source:HGNC=1]",
               gene_id=gene.ensembl, logic_name="havana", version=gene.version),
    )  # fmt: skip
    kinds = {"protein_coding": "mRNA", "lncRNA": "lnc_RNA", "miRNA": "miRNA"}
    for each in gene.transcripts:
        key = f"transcript:ENST{each.number:011d}"
        said = _pairs(ID=key, Parent=own, Name="x", biotype=each.biotype, tag=each.tags,
                      transcript_id=key[11:], transcript_support_level=1,
                      version=each.version)  # fmt: skip
        kind = kinds.get(each.biotype, "pseudogenic_transcript")
        yield _line(gene, contig, "havana", kind, (each.start, each.end), said)
        for rank, exon in enumerate(each.exons, start=1):
            words = _pairs(Parent=key, Name="ENSE1", exon_id="ENSE1", rank=rank, version=3)
            yield _line(gene, contig, "havana", "exon", exon, words)
            yield _line(gene, contig, "havana", "five_prime_UTR", exon, f"Parent={key}")


def refseq_contig(gene: Gene) -> str:
    return ACCESSIONS.get(gene.chrom or "", gene.patch)


def refseq_id(transcript: Transcript) -> str:
    return f"N{'M' if transcript.biotype == 'protein_coding' else 'R'}_{transcript.number:06d}.2"


def refseq_gff3(gene: Gene) -> Iterator[str]:
    name = gene.name or f"LOC{gene.number}"
    contig = refseq_contig(gene)
    own = f"gene-{name}-{gene.number}" + ("-2" if gene.is_copy else "")
    links = (gene.entrez, f"HGNC:HGNC:{gene.number}", "MIM:1")
    feature = "pseudogene" if "pseudogene" in gene.biotype else "gene"
    yield _line(
        gene, contig, "BestRefSeq", feature, (gene.start, gene.end),
        _pairs(ID=own, Dbxref=links, Name=name, description="zinc, a", gbkey="Gene", gene=name,
               gene_biotype=gene.biotype, gene_synonym=gene.synonyms),
    )  # fmt: skip
    if has_bare_exons(gene):
        for rank, exon in enumerate(gene.transcripts[0].exons, start=1):
            said = _pairs(ID=f"id-{own}-{rank}", Parent=own, Dbxref=links, gbkey="exon", gene=name)
            yield _line(gene, contig, "Curated Genomic", "exon", exon, said)
        return
    for each in gene.transcripts:
        key = f"rna-{refseq_id(each)}" + ("-2" if gene.is_copy else "")
        tag = next((REFSEQ_TAGS[word] for word in ("MANE_Select", "Ensembl_canonical")
                    if word in each.tags), None)  # fmt: skip
        said = {"Dbxref": (gene.entrez, f"GenBank:{refseq_id(each)}"), "gbkey": "mRNA",
                "gene": name, "product": "a protein, b", "tag": tag,
                "transcript_id": refseq_id(each)}  # fmt: skip
        kind = {"protein_coding": "mRNA", "miRNA": "primary_transcript"}.get(
            each.biotype, "transcript"
        )
        yield _line(gene, contig, "BestRefSeq", kind, (each.start, each.end),
                    _pairs(ID=key, Parent=own, **said))  # fmt: skip
        for rank, exon in enumerate(each.exons, start=1):
            yield _line(gene, contig, "BestRefSeq", "exon", exon,
                        _pairs(ID=f"exon-{key[4:]}-{rank}", Parent=key, **said))  # fmt: skip
        if kind == "primary_transcript":
            # the mature one lies inside, and is no transcript of the gene
            mature = {"Dbxref": (gene.entrez, "miRBase:MIMAT1"), "gbkey": "ncRNA", "gene": name}
            inner = f"rna-{name}-{each.number}"
            yield _line(gene, contig, "BestRefSeq", "miRNA", each.exons[-1],
                        _pairs(ID=inner, Parent=key, **mature))  # fmt: skip
            yield _line(gene, contig, "BestRefSeq", "exon", each.exons[-1],
                        _pairs(ID=f"exon-{inner}", Parent=inner, **mature))  # fmt: skip


def has_bare_exons(gene: Gene) -> bool:
    """Of some pseudogenes RefSeq knows no transcript: their exons are right below the gene."""
    return "pseudogene" in gene.biotype and gene.number % 2 == 1


def refseq_gtf(gene: Gene) -> Iterator[str]:
    name, contig = gene.name or f"LOC{gene.number}", refseq_contig(gene)
    own = f"{name}-{gene.number}" + ("_1" if gene.is_copy else "")
    yield _line(
        gene, contig, "BestRefSeq", "gene", (gene.start, gene.end),
        _quoted(gene_id=own, transcript_id="", db_xref=(gene.entrez, "HGNC:HGNC:5"),
                description="zinc; gene", gbkey="Gene", gene=name, gene_biotype=gene.biotype,
                gene_synonym=gene.synonyms),
    )  # fmt: skip
    for each in gene.transcripts:
        key = refseq_id(each) + ("_1" if gene.is_copy else "")
        tag = next((REFSEQ_TAGS[word] for word in ("MANE_Select", "Ensembl_canonical")
                    if word in each.tags), None)  # fmt: skip
        said = {"gene_id": own, "transcript_id": key, "db_xref": ("Ensembl:E", gene.entrez),
                "gene": name, "product": "a; b"}  # fmt: skip
        yield _line(gene, contig, "BestRefSeq", "transcript", (each.start, each.end),
                    _quoted(**said, tag=tag, transcript_biotype=each.biotype))  # fmt: skip
        for rank, exon in enumerate(each.exons, start=1):
            yield _line(gene, contig, "BestRefSeq", "exon", exon,
                        _quoted(**said, exon_number=rank))  # fmt: skip


def ucsc_gtf(gene: Gene) -> Iterator[str]:
    """What genePredToGtf makes of refGene: transcripts and exons, no genes."""
    for each in gene.transcripts:
        said = _quoted(gene_id=f"SYM{gene.number}", transcript_id=refseq_id(each)[:-2],
                       gene_name=f"SYM{gene.number}")  # fmt: skip
        yield _line(gene, _chr(gene), "hg38.refGene", "transcript", (each.start, each.end), said)
        for exon in each.exons:
            yield _line(gene, _chr(gene), "hg38.refGene", "exon", exon, said + " exon_number 1;")


def table_browser_gtf(gene: Gene) -> Iterator[str]:
    """UCSC's Table Browser: exons only, every transcript a gene of its own."""
    for each in gene.transcripts:
        key = refseq_id(each)[:-2]
        for exon in each.exons:
            said = _quoted(gene_id=key, transcript_id=key)
            yield _line(gene, _chr(gene), "hg38_refGene", "exon", exon, said)


def exon_only_gtf(gene: Gene) -> Iterator[str]:
    """Ensembl until release 74: the biotype of a transcript in column 2, exons and CDS only."""
    for each in gene.transcripts:
        for rank, exon in enumerate(each.exons, start=1):
            said = _quoted(gene_id=gene.ensembl, transcript_id=f"ENST{each.number:011d}",
                           exon_number=rank, gene_name=gene.name, gene_biotype=gene.biotype,
                           transcript_name="x")  # fmt: skip
            yield _line(gene, gene.chrom or gene.patch, each.biotype, "exon", exon, " " + said)


STYLES: dict[str, Callable[[Gene], Iterator[str]]] = {
    "Ensembl GTF": ensembl_gtf,
    "GENCODE GTF": gencode_gtf,
    "GENCODE GFF3": gencode_gff3,
    "Ensembl GFF3": ensembl_gff3,
    "RefSeq GFF3": refseq_gff3,
    "RefSeq GTF": refseq_gtf,
    "UCSC GTF": ucsc_gtf,
    "Table Browser GTF": table_browser_gtf,
    "exon-only GTF": exon_only_gtf,
}
