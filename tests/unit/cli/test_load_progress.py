"""The bar of a load: what it reads from the lines that are told."""

from __future__ import annotations

import io

from rich.console import Console

from varhouse.cli.load_progress import Step, load_progress


def test_a_share_and_a_rate_that_are_told() -> None:
    step = Step()
    step.heed("a.vcf: 12,000 variants, 45 % (3,000 a second)", 0.0)
    assert (step.text, step.percent, step.rate) == (
        "a.vcf: 12,000 variants",
        45,
        "3,000 variants/s",
    )


def test_a_rate_is_worked_out_from_counts() -> None:
    step = Step()
    step.heed("a.h5ad: 1,000 cells", 10.0)
    assert (step.percent, step.rate) == (None, "")
    step.heed("a.h5ad: 5,000 cells", 12.0)
    assert step.rate == "2,000 cells/s"
    # the next file begins anew
    step.heed("b.h5ad: checksum", 13.0)
    step.heed("b.h5ad: 500 cells", 14.0)
    assert (step.text, step.rate) == ("b.h5ad: 500 cells", "")


def test_a_bar_is_drawn_and_a_name_is_no_markup() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with load_progress(console) as show:
        show("[red]x.vcf: checksum")
        show("[red]x.vcf: 10 variants, 50 % (5 a second)")
    drawn = screen.getvalue()
    assert "[red]x.vcf" in drawn
    assert "5 variants/s" in drawn
