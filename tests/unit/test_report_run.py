"""A run's result in its three forms."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from rich.console import Console

from ringbench.check.mismatch import Mismatch
from ringbench.engine.result import LayerResult, RunResult
from ringbench.report.run import SHOWN_MISMATCHES, as_json, as_junit, as_table

MISMATCH = Mismatch("heap", "node", "32 bytes <free>", "48 bytes & used", "heap 0x10")


def result(mismatches: int) -> RunResult:
    return RunResult(
        seed=9,
        memory=64 << 20,
        cpu="max",
        boot_seconds=0.25,
        seconds=1.5,
        channels={"console": 1200, "gdb": 30},
        pictures=4,
        layers=(
            LayerResult("pmm", 1000, 20000, ()),
            LayerResult("heap", 230, 500, (MISMATCH,) * mismatches),
        ),
    )


def text(of: RunResult) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(as_table(of))
    return capture.get()


def test_the_table_has_a_row_a_layer_and_a_verdict() -> None:
    table = text(result(0))
    for words in ("seed 9, 64 MiB, cpu max", "1,200 by console, 30 by gdb", "20,500", "match"):
        assert words in table
    assert "MISMATCH" not in table


def test_the_table_names_mismatches_and_counts_the_rest() -> None:
    table = text(result(SHOWN_MISMATCHES + 3))
    assert "MISMATCH" in table
    assert "expected  32 bytes <free>" in table
    assert "... and 3 more" in table


@pytest.mark.parametrize("mismatches", [0, 2])
def test_json_says_all_of_it(mismatches: int) -> None:
    data = json.loads(json.dumps(as_json(result(mismatches))))
    assert data["passed"] is (mismatches == 0)
    assert (data["operations"], data["comparisons"]) == (1230, 20500)
    assert [layer["layer"] for layer in data["layers"]] == ["pmm", "heap"]
    assert len(data["layers"][1]["mismatches"]) == mismatches
    if mismatches:
        assert data["layers"][1]["mismatches"][0]["seen"] == "48 bytes & used"


def test_junit_has_a_case_a_layer_and_a_failure_with_every_mismatch() -> None:
    root = ElementTree.fromstring(as_junit(result(25)))
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert cases["pmm"].find("failure") is None
    failure = cases["heap"].find("failure")
    assert failure is not None
    assert (failure.text or "").count("seen      48 bytes & used") == 25
