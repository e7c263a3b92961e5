"""What the metadata file of a GWAS-SSF file (``x.tsv-meta.yaml``) says about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from varhouse.errors import DataError
from varhouse.ingest.builds import known_build
from varhouse.ingest.format import SourceFile
from varhouse.ingest.reading import build_of_first_id

_SUFFIX = "-meta.yaml"


@dataclass(frozen=True)
class Metadata:
    """What is read of a metadata file; None where it does not say."""

    study: str | None = None
    build: str | None = None


def read_metadata(source: SourceFile) -> Metadata:
    """Read the metadata file beside a file; everything is None when there is none.

    Raises
    ------
    DataError
        It is not YAML, or positions are not 1-based.
    """
    path = source.path.with_name(source.path.name + _SUFFIX)
    if not path.is_file():
        return Metadata()
    said = _read_mapping(path)
    system = said.get("coordinatesystem")
    if system is not None and not str(system).startswith("1"):
        raise DataError(
            f"{path}: coordinate_system is {str(system)[:40]}, wanted is 1-based. "
            "Convert the positions first; for indels that is more than adding 1."
        )
    study, assembly = said.get("gwasid"), said.get("genomeassembly")
    return Metadata(
        study=str(study) if study else None,
        build=known_build(str(assembly)) if assembly else None,
    )


def _read_mapping(path: Path) -> dict[str, object]:
    """Return what is said under names without underscores and capitals: GWASID, gwas_id."""
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise DataError(
            f"{path}{where}: not YAML in UTF-8. Mend it, or move it away: the file it belongs to "
            "can be loaded without."
        ) from error
    if not isinstance(said, dict):
        return {}
    return {str(name).replace("_", "").lower(): value for name, value in said.items()}


def stated_build(source: SourceFile) -> str | None:
    """Return the build of the metadata, else the one that the first variant id ends in, or None."""
    return read_metadata(source).build or build_of_first_id(source)
