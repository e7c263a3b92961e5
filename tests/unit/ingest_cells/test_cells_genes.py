"""Which gene a column of the matrix is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from h5ad_files import some_counts, write_h5ad

from varhouse.errors import DataError
from varhouse.ingest.load import LoadReport

Load = Callable[..., LoadReport]
SYMBOLS = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF"]
IDS = [f"ENSG{number:011d}" for number in range(11, 17)]


def genes_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute("select gene_id from raw.pseudobulk_genes order by 1").fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("column", ["gene_ids", "ensembl_id", "feature_id", "gene_id"])
def test_a_column_of_ensembl_ids_is_preferred_to_symbols(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load, column: str
) -> None:
    var = {column: IDS, "feature_types": ["Gene Expression"] * 6}
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=SYMBOLS, var=var))
    assert genes_of(house) == IDS
    assert report.notes == {"columns_taken": 2}


def test_versions_go_and_pseudoautosomal_genes_stay_apart(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    genes = [f"{IDS[0]}.3_2", f"{IDS[1]}.12_PAR_Y", f"{IDS[1]}.12", *IDS[3:]]
    load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=genes))
    assert genes_of(house) == sorted([IDS[0], f"{IDS[1]}_PAR_Y", IDS[1], *IDS[3:]])


def test_symbols_are_looked_up_where_they_name_one_gene(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    for gene, name in (("ENSG91", "AAA"), ("ENSG92", "BBB"), ("ENSG93", "BBB")):
        house.execute(
            "insert into raw.genes values "
            "(?, null, ?, '1', 1, 2, 1, 1, null, 'protein_coding', [], 1)",
            [gene, name],
        )
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=SYMBOLS))
    assert genes_of(house) == ["BBB", "CCC", "DDD", "EEE", "ENSG91", "FFF"]
    assert report.notes["gene_symbol_kept"] == 5


def test_of_a_repeated_gene_the_first_column_is_kept_and_the_rest_counted(
    tmp_path: Path, house: duckdb.DuckDBPyConnection, load_cells: Load
) -> None:
    counts = some_counts()
    genes = [IDS[0], IDS[1], f"{IDS[0]}.2", *IDS[3:]]
    report = load_cells(write_h5ad(tmp_path / "a.h5ad", counts, genes=genes))
    assert report.notes["duplicate_gene"] == 1
    total = house.execute("select sum(sum) from pseudobulk where gene_id = ?", [IDS[0]]).fetchall()
    assert total == [(counts[:, 0].sum(),)]


def test_antibodies_and_peaks_are_no_genes(tmp_path: Path, load_cells: Load) -> None:
    types = ["Gene Expression"] * 4 + ["Antibody Capture", "Peaks"]
    var = {"gene_ids": [*IDS[:4], "CD19", "22:1-9"], "feature_types": types}
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=SYMBOLS, var=var)
    with pytest.raises(DataError, match=r"than genes \(1 of Antibody Capture, 1 of Peaks\)"):
        load_cells(path)
    var["feature_types"] = ["Gene Expression"] * 6
    load_cells(write_h5ad(tmp_path / "b.h5ad", some_counts(), genes=SYMBOLS, var=var))


def test_a_matrix_without_genes_is_refused(tmp_path: Path, load_cells: Load) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts()[:, :0], genes=[], layout="dense")
    with pytest.raises(DataError, match="var lists no genes"):
        load_cells(path)


def test_a_gene_without_a_name_is_refused(tmp_path: Path, load_cells: Load) -> None:
    path = write_h5ad(tmp_path / "a.h5ad", some_counts(), genes=[*SYMBOLS[:2], "", *SYMBOLS[3:]])
    with pytest.raises(DataError, match="gene 3 of var has no name"):
        load_cells(path)
