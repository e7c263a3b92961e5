"""GTF and GFF3: what becomes a gene, where it starts, which transcript stands for it."""

from __future__ import annotations

import gzip
import re

import pytest
from gene_model_lines import gff3, gtf
from tests.loading import write_text

from varhouse.errors import DataError

GENES = "gene_id, gene_version, chrom, start_pos, end_pos, strand, tss_pos"


def genes_of(con, columns=GENES):
    return con.execute(f"select {columns} from genes order by gene_id").fetchall()


def transcripts_of(con, columns):
    return con.execute(f"select {columns} from transcripts order by transcript_id").fetchall()


class TestGtf:
    def test_gencode_ids_lose_their_version_and_par_y_stays(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gtf",
            "##description: annotation of the human genome (GRCh38), version 29",
            gtf("gene", 100, 900, contig="chrX", gene_id="ENSG00000182378.14", gene_type="a"),
            gtf("transcript", 100, 800, contig="chrX", gene_id="ENSG00000182378.14",
                transcript_id="ENST00000381657.6"),
            gtf("gene", 100, 900, contig="chrY", gene_id="ENSG00000182378.14_PAR_Y"),
            gtf("transcript", 100, 800, contig="chrY", gene_id="ENSG00000182378.14_PAR_Y",
                transcript_id="ENST00000381657.6_PAR_Y"),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path)
        assert (report.format, report.genome_build, report.n_loaded) == ("gtf", "GRCh38", 2)
        assert genes_of(empty_warehouse) == [
            ("ENSG00000182378", 14, "X", 100, 900, 1, 100),
            ("ENSG00000182378_PAR_Y", 14, "Y", 100, 900, 1, 100),
        ]
        assert transcripts_of(empty_warehouse, "transcript_id, transcript_version, gene_id") == [
            ("ENST00000381657", 6, "ENSG00000182378"),
            ("ENST00000381657_PAR_Y", 6, "ENSG00000182378_PAR_Y"),
        ]

    def test_ids_mapped_to_another_build(self, empty_warehouse, load, tmp_path):
        gene = "ENSG00000223972.5_2"
        path = write_text(
            tmp_path, "g.gtf", gtf("gene", 1, 9, gene_id=gene),
            gtf("transcript", 1, 9, gene_id=gene, transcript_id="ENST00000456328.2_1"),
        )  # fmt: skip
        load(empty_warehouse, "genes", path, build="GRCh37")
        assert genes_of(empty_warehouse, "gene_id, gene_version") == [("ENSG00000223972", 5)]
        assert transcripts_of(empty_warehouse, "transcript_id, transcript_version") == [
            ("ENST00000456328", 2)
        ]

    def test_an_id_on_x_and_y_is_two_genes(self, empty_warehouse, load, tmp_path):
        line = {"gene_id": "ENSG00000182378", "gene_version": "14"}
        path = write_text(tmp_path, "g.gtf", gtf("gene", 1, 9, contig="X", **line),
                       gtf("gene", 1, 9, contig="Y", **line))  # fmt: skip
        load(empty_warehouse, "genes", path, build="GRCh38")
        assert genes_of(empty_warehouse, "gene_id, chrom") == [
            ("ENSG00000182378", "X"), ("ENSG00000182378_PAR_Y", "Y"),
        ]  # fmt: skip

    def test_exons_alone_span_their_gene(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gtf",
            gtf("exon", 100, 200, "-", gene_id="G1", transcript_id="T1", gene_name="ONE"),
            gtf("exon", 300, 400, "-", gene_id="G1", transcript_id="T1", gene_name="ONE"),
            gtf("exon", 350, 450, "-", gene_id="G1", transcript_id="T2", gene_name="ONE"),
            gtf("CDS", 1, 1000, "-", gene_id="G1", transcript_id="T2", gene_name="ONE"),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path, build="GRCh38", strict=True)
        assert (report.n_read, report.rejected, report.notes) == (1, {}, {})
        assert genes_of(empty_warehouse) == [("G1", None, "22", 100, 450, -1, 450)]
        assert genes_of(empty_warehouse, "gene_name, biotype, canonical_tss_pos") == [
            ("ONE", None, None)
        ]
        assert transcripts_of(empty_warehouse, "transcript_id, start_pos, end_pos, tss_pos") == [
            ("T1", 100, 400, 400), ("T2", 300 + 50, 450, 450),
        ]  # fmt: skip

    def test_exons_do_not_widen_a_gene_that_has_its_line(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gtf",
            gtf("exon", 50, 90, gene_id="G1", transcript_id="T1"),
            gtf("transcript", 60, 90, gene_id="G1", transcript_id="T1"),
            gtf("gene", 60, 95, gene_id="G1"),
            # an exon of a transcript that the file does not list
            gtf("exon", 50, 90, gene_id="G1", transcript_id="T1,T2"),
        )  # fmt: skip
        load(empty_warehouse, "genes", path, build="GRCh38")
        assert genes_of(empty_warehouse, "start_pos, end_pos") == [(60, 95)]
        assert transcripts_of(empty_warehouse, "transcript_id, start_pos") == [("T1", 60)]

    @pytest.mark.parametrize(
        ("tags", "canonical"),
        [
            (("basic", "basic", "basic"), None),
            (("basic", "appris_principal_2", "appris_principal_1"), 30),
            (("basic", "appris_principal", "appris_candidate_longest"), 20),
            (("MANE_Select", "appris_principal_1", "basic"), 10),
            (("MANE_Select basic", "basic Ensembl_canonical", "basic"), 20),
            # equals: the longest
            (("basic", "appris_principal_1", "appris_principal_1"), 20),
        ],
    )
    def test_the_canonical_tss_is_of_the_best_tag(
        self, empty_warehouse, load, tmp_path, tags, canonical
    ):
        lines = [
            gtf("transcript", 10 * n, 90, gene_id="G1", transcript_id=f"T{n}", tag=tag)
            for n, tag in enumerate(tags, start=1)
        ]
        path = write_text(tmp_path, "g.gtf", gtf("gene", 5, 90, gene_id="G1"), *lines)
        load(empty_warehouse, "genes", path, build="GRCh38")
        assert genes_of(empty_warehouse, "tss_pos, canonical_tss_pos") == [(5, canonical)]
        told = transcripts_of(empty_warehouse, "tss_pos, is_canonical, is_mane_select")
        has_mane = any("MANE" in tag for tag in tags)
        assert told == [
            (
                10 * n,
                None if canonical is None else 10 * n == canonical,
                "MANE_Select" in tag if has_mane else None,
            )
            for n, tag in enumerate(tags, start=1)
        ]

    def test_scaffolds_are_counted_and_expected(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gtf", gtf("gene", 5, 90, gene_id="G1"),
            gtf("gene", 5, 90, contig="KI270706.1", gene_id="G2"),
            gtf("gene", 5, 90, contig="HSCHR6_MHC_COX_CTG1", gene_id="G1"),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path, build="GRCh38", strict=True)
        assert (report.n_read, report.n_loaded) == (3, 1)
        assert report.rejected == {"contig_not_kept": 2}

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            # another organism
            (gtf("gene", 5, 90, contig="chrIV", gene_id="Y1"), r"none of its 1 genes .*chrIV"),
            (gtf("CDS", 5, 90, gene_id="G1"), "none of its lines is a gene, a transcript or an e"),
        ],
    )
    def test_files_without_human_genes_are_refused(
        self, empty_warehouse, load, tmp_path, line, message
    ):
        path = write_text(tmp_path, "g.gtf", line)
        with pytest.raises(DataError, match=message):
            load(empty_warehouse, "genes", path, build="GRCh38")

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            (gtf("gene", 90, 5, gene_id="G2"), "start_after_end"),
            (gtf("gene", 5, 60_000_000, gene_id="G2"), "beyond_chromosome_end"),
            (gtf("gene", 5, 90, ".", gene_id="G2"), "strand_unknown"),
            (gtf("gene", 5, 90, other="G2"), "gene_id_missing"),
            (gtf("gene", 0, 90, gene_id="G2"), "position_below_one"),
            (gtf("gene", 5, 90, gene_id="G2").replace("\t5\t", "\tfive\t"), "start_pos_missing"),
            (gtf("gene", 500, 900, gene_id="G1"), "gene_at_two_places"),
        ],
    )
    def test_a_bad_gene_is_left_out_and_counted(self, empty_warehouse, load, tmp_path, line, code):
        path = write_text(tmp_path, "g.gtf", gtf("gene", 5, 90, gene_id="G1"), line)
        report = load(empty_warehouse, "genes", path, build="GRCh38")
        assert (report.rejected, report.n_loaded) == ({code: 1}, 1)
        assert genes_of(empty_warehouse, "gene_id, start_pos") == [("G1", 5)]

    def test_transcripts_that_cannot_be_placed_are_counted(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gtf", gtf("gene", 5, 90, gene_id="G1"),
            gtf("transcript", 5, 90, gene_id="G1", transcript_id="T1"),
            gtf("transcript", 6, 90, gene_id="G1", transcript_id="T1"),
            gtf("transcript", 5, 90, gene_id="G1"),
            gtf("transcript", 90, 5, gene_id="G1", transcript_id="T3"),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path, build="GRCh38")
        assert report.notes == {"transcript_left_out": 3}
        assert transcripts_of(empty_warehouse, "transcript_id, start_pos") == [("T1", 5)]

    def test_refseq_genes_go_by_their_number(self, empty_warehouse, load, tmp_path):
        said = {"db_xref": "GeneID:55344", "gene": "PLCXD1", "gene_biotype": "protein_coding"}
        path = write_text(
            tmp_path, "g.gtf", "#!genome-build GRCh38.p14",
            gtf("gene", 5, 90, contig="NC_000023.11", gene_id="PLCXD1", **said),
            gtf("transcript", 5, 90, contig="NC_000023.11", gene_id="PLCXD1",
                transcript_id="NM_018390.4", tag="MANE_Select"),
            gtf("gene", 5, 90, contig="NC_000024.10", gene_id="PLCXD1_1", **said),
            gtf("transcript", 5, 90, contig="NC_000024.10", gene_id="PLCXD1_1",
                transcript_id="NM_018390.4_1", db_xref="GeneID:55344"),
        )  # fmt: skip
        load(empty_warehouse, "genes", path)
        assert genes_of(empty_warehouse, "gene_id, gene_name, chrom, biotype") == [
            ("GeneID:55344", "PLCXD1", "X", "protein_coding"),
            ("GeneID:55344_PAR_Y", "PLCXD1", "Y", "protein_coding"),
        ]
        assert transcripts_of(empty_warehouse, "transcript_id, transcript_version, gene_id")[0] == (
            "NM_018390.4", None, "GeneID:55344",
        )  # fmt: skip

    def test_dots_in_the_ids_of_assemblers_stay(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gtf",
            gtf("transcript", 5, 90, gene_id="MSTRG.1", transcript_id="MSTRG.1.1"),
            gtf("transcript", 5, 80, gene_id="MSTRG.1", transcript_id="MSTRG.1.2"),
        )  # fmt: skip
        load(empty_warehouse, "genes", path, build="GRCh38")
        assert genes_of(empty_warehouse, "gene_id, end_pos") == [("MSTRG.1", 90)]
        assert len(transcripts_of(empty_warehouse, "transcript_id")) == 2

    def test_a_short_line_refuses_the_file(self, empty_warehouse, load, tmp_path):
        path = write_text(tmp_path, "g.gtf", gtf("gene", 5, 90, gene_id="G1"), "22\ttest\tgene\t5")
        with pytest.raises(DataError, match=r"g\.gtf, line 2: fewer than the 9 columns"):
            load(empty_warehouse, "genes", path, build="GRCh38")

    def test_a_second_file_adds_transcripts_to_known_genes(self, empty_warehouse, load, tmp_path):
        gene = gtf("gene", 5, 90, gene_id="G1")
        lines = [gtf("transcript", 5, 90, gene_id="G1", transcript_id=f"T{n}") for n in (1, 2)]
        load(
            empty_warehouse, "genes", write_text(tmp_path, "a.gtf", gene, lines[0]), build="GRCh38"
        )
        second = write_text(tmp_path, "b.gtf", gene, *lines)
        report = load(empty_warehouse, "genes", second, build="GRCh38")
        assert report.rejected == {"known_gene": 1}
        loads = empty_warehouse.execute(
            "select transcript_id, load_id from raw.transcripts order by 1"
        ).fetchall()
        assert loads == [("T1", 1), ("T2", 2)]


class TestGff3:
    def test_exons_inside_a_transcript_make_no_gene(self, empty_warehouse, load, tmp_path):
        # a mature miRNA, in a file whose lines are not in the order of their parents
        link = {"Dbxref": "GeneID:5"}
        path = write_text(
            tmp_path, "g.gff3",
            gff3("exon", 150, 170, Parent="rna-MIR1-1", **link),
            gff3("miRNA", 150, 170, ID="rna-MIR1-1", Parent="rna-NR_1.2", **link),
            gff3("primary_transcript", 100, 300, ID="rna-NR_1.2", Parent="gene-MIR1",
                 transcript_id="NR_1.2", **link),
            gff3("gene", 100, 300, ID="gene-MIR1", gbkey="Gene", **link),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path, build="GRCh38", strict=True)
        assert (report.n_read, report.rejected) == (1, {})
        assert genes_of(empty_warehouse, "gene_id, start_pos") == [("GeneID:5", 100)]
        assert transcripts_of(empty_warehouse, "transcript_id, end_pos") == [("NR_1.2", 300)]

    def test_ensembl_types_of_genes_and_transcripts(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gff3", "##gff-version 3",
            gff3("gene", 10, 90, "-", ID="gene:ENSG1", Name="ONE", biotype="protein_coding",
                 gene_id="ENSG1", version="3"),
            gff3("mRNA", 10, 80, "-", ID="transcript:ENST1", Parent="gene:ENSG1", version="2",
                 biotype="protein_coding", tag="basic,Ensembl_canonical",
                 transcript_id="ENST1"),
            gff3("exon", 10, 80, "-", Parent="transcript:ENST1", exon_id="E1"),
            gff3("three_prime_UTR", 10, 80, "-", Parent="transcript:ENST1"),
            gff3("ncRNA_gene", 10, 90, ID="gene:ENSG2", biotype="lncRNA", gene_id="ENSG2"),
            gff3("lnc_RNA", 20, 90, ID="transcript:ENST2", Parent="gene:ENSG2",
                 transcript_id="ENST2", biotype="lncRNA"),
            gff3("biological_region", 1, 2, ID="x", external_name="cpg"),
            gff3("RNA", 30, 40, ID="gene:ENSG3", Name="Y_RNA", gene_id="ENSG3", biotype="misc"),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path, build="GRCh38", strict=True)
        assert (report.format, report.n_read) == ("gff3", 3)
        assert genes_of(empty_warehouse, "gene_id, gene_version, gene_name, biotype") == [
            ("ENSG1", 3, "ONE", "protein_coding"), ("ENSG2", None, None, "lncRNA"),
            ("ENSG3", None, "Y_RNA", "misc"),
        ]  # fmt: skip
        assert transcripts_of(
            empty_warehouse, "transcript_id, transcript_version, gene_id, tss_pos, is_canonical"
        ) == [("ENST1", 2, "ENSG1", 80, True), ("ENST2", None, "ENSG2", 20, None)]
        assert genes_of(empty_warehouse, "canonical_tss_pos")[0] == (80,)

    def test_refseq_numbers_names_and_synonyms(self, empty_warehouse, load, tmp_path):
        contig = "NC_000021.9"
        path = write_text(
            tmp_path, "g.gff3",
            gff3("region", 1, 46709983, contig=contig, ID="id1", gbkey="Src"),
            gff3("gene", 10, 90, "-", contig, ID="gene7", Dbxref="GeneID:351,HGNC:HGNC:620",
                 Name="APP", gbkey="Gene", gene="APP", gene_biotype="protein_coding",
                 gene_synonym="AD1,A%2CB"),
            gff3("mRNA", 10, 80, "-", contig, ID="rna1", Parent="gene7",
                 transcript_id="NM_000484.3",
                 Dbxref="GeneID:351,Genbank:NM_000484.3", gbkey="mRNA"),
            gff3("exon", 10, 80, "-", contig, ID="id2", Parent="rna1", Dbxref="GeneID:351",
                 transcript_id="NM_000484.3"),
            gff3("cDNA_match", 5, 6, "-", contig, ID="aln1", Target="NM_000484.3 1 2"),
        )  # fmt: skip
        report = load(empty_warehouse, "genes", path)
        assert (report.genome_build, report.n_read, report.notes) == ("GRCh38", 1, {})
        assert genes_of(
            empty_warehouse, "gene_id, gene_name, chrom, tss_pos, biotype, synonyms"
        ) == [("GeneID:351", "APP", "21", 90, "protein_coding", ["A,B", "AD1"])]
        assert transcripts_of(
            empty_warehouse, "transcript_id, transcript_version, gene_id, biotype"
        ) == [("NM_000484.3", None, "GeneID:351", "mRNA")]


class TestBuild:
    @pytest.mark.parametrize(
        ("first", "contig", "build"),
        [
            ("#!genome-build GRCh38.p13", "22", "GRCh38"),
            ("##description: human genome, mapped to GRCh37 with gencode-backmap", "22", "GRCh37"),
            ("##sequence-region 21 1 46709983", "22", "GRCh38"),
            ("##sequence-region chr21 1 48129895", "22", "GRCh37"),
            ("#", "NC_000021.8", "GRCh37"),
            ("#", "CM000683.2", "GRCh38"),
        ],
    )
    def test_is_told_by_the_file(self, empty_warehouse, load, tmp_path, first, contig, build):
        path = write_text(tmp_path, "g.gtf", first, gtf("gene", 5, 9, contig=contig, gene_id="G1"))
        assert load(empty_warehouse, "genes", path).genome_build == build

    def test_words_and_lengths_that_differ_are_refused(self, empty_warehouse, load, tmp_path):
        path = write_text(
            tmp_path, "g.gff3", "#!genome-build GRCh37.p13", "##sequence-region 21 1 46709983",
            gff3("gene", 5, 9, ID="gene:E1"),
        )  # fmt: skip
        with pytest.raises(DataError, match=r"two genome builds, GRCh37 \(line 1\) and GRCh38 \(l"):
            load(empty_warehouse, "genes", path)

    def test_one_that_is_not_told_is_asked_for(self, empty_warehouse, load, tmp_path):
        path = write_text(tmp_path, "g.gtf", gtf("gene", 5, 9, gene_id="G1"))
        with pytest.raises(DataError, match="give --build"):
            load(empty_warehouse, "genes", path)


@pytest.mark.shared
class TestRealFiles:
    """Counts of lines as the README states them (grep), positions by awk over the same lines."""

    @pytest.mark.parametrize(
        ("name", "build", "n_genes", "n_transcripts"),
        [
            ("ensembl_grch38_chr21_24-27Mb.gtf.gz", "GRCh38", 42, 103),
            ("gencode_v29_head5000.gtf.gz", None, 119, 470),
            ("gencode_v19_small.gtf", None, 1, 4),
            # 45 of type mRNA and transcript, 31 ncRNA and 2 primary_transcript
            ("refseq_grch38_chr21.gff3.gz", None, 38, 45 + 31 + 2),
            ("refseq_ucsc_small.gtf", None, 2, 2),
        ],
    )
    def test_counts(self, empty_warehouse, load, shared_data, name, build, n_genes, n_transcripts):
        path = shared_data / "formats" / "genemodel" / name
        told = {"transcripts_as_genes": n_genes} if "ucsc" in name else {}
        report = load(empty_warehouse, "genes", path, build=build, strict=not told)
        assert (report.n_loaded, report.rejected, report.notes) == (n_genes, {}, told)
        assert report.genome_build == ("GRCh37" if "v19" in name else "GRCh38")
        assert len(transcripts_of(empty_warehouse, "transcript_id")) == n_transcripts

    def test_ensembl_gff3_has_all_kinds_of_gene(self, empty_warehouse, load, shared_data):
        path = shared_data / "formats" / "genemodel" / "ensembl_grch38_chr21.gff3.gz"
        with gzip.open(path, "rt") as stream:
            lines = [line.rstrip("\n").split("\t") for line in stream]
        ids = {
            kind: {
                found[1]: cells
                for cells in lines
                if (found := re.search(rf"ID={kind}:([^;]+)", cells[8]))
            }
            for kind in ("gene", "transcript")
        }
        assert sum(cells[2] == "gene" for cells in ids["gene"].values()) == 541
        assert sum(cells[2] == "transcript" for cells in ids["transcript"].values()) == 1091
        report = load(empty_warehouse, "genes", path, strict=True)
        assert (report.genome_build, report.n_loaded) == ("GRCh38", len(ids["gene"]))
        assert genes_of(empty_warehouse, "gene_id, start_pos, end_pos, tss_pos") == [
            (gene, int(cells[3]), int(cells[4]), int(cells[3 if cells[6] == "+" else 4]))
            for gene, cells in sorted(ids["gene"].items())
        ]
        assert transcripts_of(empty_warehouse, "transcript_id") == [
            (transcript,) for transcript in sorted(ids["transcript"])
        ]

    def test_bad_files(self, empty_warehouse, load, shared_data):
        folder = shared_data / "formats" / "bad"
        for name in ("m01_versioned_ids_par_y.gtf", "m03_exon_only.gtf"):
            load(empty_warehouse, "genes", folder / name, build="GRCh38", strict=True)
        assert genes_of(empty_warehouse) == [
            ("ENSG00000100219", 16, "22", 1000, 2000, -1, 2000),
            ("ENSG00000182378", 14, "X", 100, 900, 1, 100),
            ("ENSG00000182378_PAR_Y", 14, "Y", 100, 900, 1, 100),
            ("G1", None, "22", 100, 400, -1, 400),
        ]
