"""The table of what starving found."""

from __future__ import annotations

from rich.console import Console

from ringbench.check.mismatch import Mismatch
from ringbench.engine.caught import Caught
from ringbench.engine.starve import Starved, StarveResult
from ringbench.report.starve import as_table

FINE = Starved("two [pages]", "vm write t1 0x10ffe 72", taken=-1234, failed=1005, forced=1)
CAUGHT = Caught("starve", 7, (Mismatch("vmm", "region count", "1", "2", "t1 [x]"),))


def text(of: StarveResult) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(as_table(of))
    return capture.get()


def test_everything_matches() -> None:
    result = StarveResult((FINE, FINE), 4321)
    shown = text(result)
    assert shown.count("two [pages]") == 2
    assert "-1,234" in shown
    assert "2 of 4,321 operations" in shown
    assert "2,010" in shown
    assert "MISMATCH" not in shown
    assert result.passed
    assert result.failures_injected == 2012


def test_a_catch_is_told_in_full() -> None:
    result = StarveResult((FINE, Starved("one page", "vm alloc", caught=CAUGHT)), 12)
    shown = text(result)
    assert shown.count("MISMATCH") == 2
    assert "starve: vmm: region count at t1 [x]: expected 1, seen 2" in shown
    assert not result.passed
    assert result.caught == (CAUGHT,)
    assert result.failures_injected == 1006
