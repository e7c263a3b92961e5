"""A row without a score is dropped before ranking, never taken for a strong one."""

import pytest
from tests.v2g import build, empty_warehouse


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_p_value_or_fdr_is_no_evidence(missing):
    with empty_warehouse() as con:
        con.execute(
            "insert into raw.genes (gene_id, chrom, start_pos, end_pos, strand, tss_pos, biotype, "
            "load_id) values ('G', '1', 1000, 2000, 1, 1000, 'protein_coding', 1)"
        )
        for i, p_value in enumerate([missing, 0.0, 1e-3, 0.5]):
            con.execute(
                "insert into raw.evidence (chrom, pos, ref, alt, variant_id, gene_id, feature, "
                "type_id, source_id, qtl_pval, load_id) "
                "values ('1', ?, 'A', 'C', ?, 'G', 't', 'eqtl', 'eqtl', ?, 1)",
                [1000 + i, f"1_{1000 + i}_A_C", p_value],
            )
            con.execute(
                "insert into raw.evidence (chrom, pos, ref, alt, variant_id, gene_id, feature, "
                "type_id, source_id, interval_score, load_id) "
                "values ('1', ?, 'A', 'C', ?, 'G', 't', 'fantom5', 'andersson2014', ?, 1)",
                [1000 + i, f"1_{1000 + i}_A_C", p_value],
            )
        build(con, v2g_fantom="neglog10_fdr", v2g_distance=False)
        found = con.execute(
            "select source_id, variant_id, quantile from v2g_evidence order by all"
        ).fetchall()
        expected = [("1_1001_A_C", 1.0), ("1_1002_A_C", 0.5), ("1_1003_A_C", 0.0)]
        assert found == [(source, *row) for source in ("andersson2014", "eqtl") for row in expected]
        warned = con.execute(
            "select source_id, n from v2g_warnings where code = 'score_missing' order by all"
        ).fetchall()
        assert warned == [("andersson2014", 1), ("eqtl", 1)]
