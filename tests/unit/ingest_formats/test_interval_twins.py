"""The SQL readers of interval files against slow readers in Python, on generated files."""

from __future__ import annotations

from pathlib import Path

import interval_twins
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

contigs = st.sampled_from(["chr1", "1", "chrX", "X", "chrM", "23", "chrUn_gl000220", "chr01x", ""])
symbols = st.sampled_from(["SAMD11", "samd11", "KLF12", "SAME", "PAIR", "NOPE", "ATAD3A"])
scores = st.sampled_from(["0.5", "0.404", "-0.2", "0", "1e-3", "NA", "nan", "inf", "abc", "", "."])
starts = st.one_of(st.integers(-3, 3), st.integers(0, 3_000_000)).map(str) | st.sampled_from(
    ["x", "", "1.5"]
)
genes = st.sampled_from(
    ["ENSG00000187634", "ENSG00000187634.11", "ENSG1", "SAMD11", "", "NA", "ENST00000342066", "9"]
)


@st.composite
def span(draw: st.DrawFn) -> tuple[str, str]:
    start = draw(starts)
    if not start.lstrip("-").isdigit():
        return start, draw(starts)
    # Few lengths, so that the same interval comes again with another score.
    return start, str(int(start) + draw(st.sampled_from([-1, 0, 1, 150, 150, 4000])))


@st.composite
def fantom5_line(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 12)) == 0:
        return draw(st.sampled_from(["track name=x", "#c", "", "chr1\t1", "chr1\t1\t2\tno;name"]))
    start, end = draw(span())
    name = f"{draw(contigs)}:{start}-{end};NM_1;{draw(symbols)};R:{draw(scores)};FDR:0"
    return f"chr1\t1\t9\t{name}\t100\t."


@st.composite
def thurman_line(draw: st.DrawFn) -> str:
    start, end = draw(span())
    cells = ["chr1", "1", "2", draw(symbols), draw(contigs), start, end, draw(scores)]
    return "\t".join(cells[: draw(st.sampled_from([8, 8, 8, 8, 7]))])


@st.composite
def bed_line(draw: st.DrawFn) -> str:
    start, end = draw(span())
    cells = [draw(contigs), start, end, draw(genes), draw(scores), "+"]
    return "\t".join(cells[: draw(st.sampled_from([6, 5, 5, 4, 3, 2]))])


CASES = {
    "fantom5-andersson2014": (fantom5_line(), interval_twins.fantom5),
    "dhs-thurman2012": (thurman_line(), interval_twins.thurman),
    "bed": (bed_line(), interval_twins.bed),
}


@pytest.mark.parametrize("layout", CASES)
def test_sql_and_python_read_the_same(layout, stage, tmp_path_factory):
    line, twin = CASES[layout]
    folder = tmp_path_factory.mktemp("twins")

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.lists(line, min_size=1, max_size=12), st.data())
    def compare(lines, data):
        repeated = lines + data.draw(st.lists(st.sampled_from(lines), max_size=3))
        text = "chr1\t0\t1\tENSG1\t1\n" + "\n".join(repeated) + "\n"
        assert_same(stage(folder, "intervals", layout, text, name="in.bed"), twin(text))

    compare()


def assert_same(staged, expected):
    assert [(row["line"], row["reject"]) for row in staged] == [
        (line, fault) for line, _, fault in expected
    ]
    for row, (_, wanted, fault) in zip(staged, expected, strict=True):
        if fault is None:
            assert {name: row[name] for name in interval_twins.RESULT} == {
                name: wanted[name] for name in interval_twins.RESULT
            }


@pytest.mark.shared
@pytest.mark.parametrize(
    ("layout", "file"),
    [
        ("fantom5-andersson2014", "v2g/raw/fantom5_andersson2014_sample.bed"),
        ("dhs-thurman2012", "v2g/raw/dhs_thurman2012_sample.bed8"),
        ("bed", "formats/bad/i01_bad_intervals.bed"),
    ],
)
def test_sql_and_python_read_the_samples_the_same(layout, file, stage, shared_data, tmp_path: Path):
    text = (shared_data / file).read_text()
    staged = stage(tmp_path, "intervals", layout, text, name=Path(file).name)
    assert_same(staged, CASES[layout][1](text))
