"""Genotypes: what each donor carries, from the formats of the field."""

from __future__ import annotations

from varhouse.ingest.format import Format
from varhouse.ingest.genotypes.bcf import BcfReader, build_of_bcf
from varhouse.ingest.genotypes.bgen import BgenReader, bgen_companions
from varhouse.ingest.genotypes.header import build_of_header
from varhouse.ingest.genotypes.plink1 import Plink1Reader, plink1_companions
from varhouse.ingest.genotypes.plink2 import Plink2Reader, build_of_pvar, plink2_companions
from varhouse.ingest.genotypes.store import load_genotypes
from varhouse.ingest.genotypes.vcf import VcfReader
from varhouse.ingest.reading import head_lines
from varhouse.ingest.variants import renumber

_TABLE = "raw.genotypes_rare"

# the variant index is put in order after the last file of a command
finish = renumber

FORMATS: tuple[Format, ...] = (
    Format(
        name="vcf",
        table=_TABLE,
        matches=lambda source: source.header.startswith("##fileformat=VCF"),
        load=load_genotypes(VcfReader),
        stated_build=lambda source: build_of_header(head_lines(source.path)),
        wants="VCF with samples: GT, or DS where a record has no GT",
    ),
    Format(
        name="bcf",
        table=_TABLE,
        matches=lambda source: source.binary == "bcf",
        load=load_genotypes(BcfReader),
        stated_build=build_of_bcf,
        wants="BCF with samples, as VCF",
    ),
    Format(
        name="plink1",
        table=_TABLE,
        matches=lambda source: source.binary == "plink-bed",
        load=load_genotypes(Plink1Reader),
        companions=plink1_companions,
        wants="PLINK 1 .bed, .bim and .fam beside it; A1 is the alternative allele",
    ),
    Format(
        name="plink2",
        table=_TABLE,
        matches=lambda source: source.binary == "plink-pgen",
        load=load_genotypes(Plink2Reader),
        companions=plink2_companions,
        stated_build=build_of_pvar,
        wants="PLINK 2 .pgen, .pvar or .pvar.zst and .psam beside it",
    ),
    Format(
        name="bgen",
        table=_TABLE,
        matches=lambda source: source.binary == "bgen",
        load=load_genotypes(BgenReader),
        companions=bgen_companions,
        wants="BGEN 1.2 or 1.3 of two alleles a record; --ref-first or --ref-last; a .sample file "
        "beside it, or --sample-file, where it has no sample ids",
    ),
)
