"""Figures out of the kernel's lines, and what the gate says of them."""

from pathlib import Path

import pytest

from benchmarks import baseline
from benchmarks.baseline import Baseline
from benchmarks.figure import Figure
from benchmarks.goals import GOALS, goal_of
from benchmarks.instructions import Boot, figures
from ringbench.errors import RingbenchError

PRINTED = """\
ringbench kernel: 16000 frames, 15000 free
perf frames.500.alloc calls=4 units=4 total=170 worst=66
perf map.16.map calls=2 units=32 total=800 worst=500
perf map.16.never calls=0 units=0 total=0 worst=0
perf heap.lifo.200.extent_peak value=120
perf heap.lifo.200.live_peak value=100
perf heap.lifo.200.nodes_left value=0
perf end
"""


def test_lines_become_figures() -> None:
    found = {f.name: f for f in figures(Boot("1G", "frames.500,map,heap"), PRINTED)}
    assert {name: figure.value for name, figure in found.items()} == {
        "frames.500.alloc.mean": 42.5,
        "frames.500.alloc.worst": 66,
        "map.16.map.mean": 25,  # per page; a call that does many pages has no worst
        "heap.lifo.200.footprint": 1.2,
        "heap.lifo.200.nodes_left": 0,
    }
    named = figures(Boot("1G", "frames", named_after_memory=True), PRINTED)
    assert next(named) == Figure("frames.1G.500.alloc.mean", 42.5, "instructions", 50)


@pytest.mark.parametrize(
    ("asked", "printed"),
    [("space", PRINTED), ("map", PRINTED.replace("perf end", "")), ("map", "")],
)
def test_figures_that_are_missing_are_an_error(asked: str, printed: str) -> None:
    with pytest.raises(RingbenchError, match=f"perf={asked}"):
        list(figures(Boot("1G", asked), printed))


def test_goals_are_bounds_of_one_side() -> None:
    assert Figure("a", 2, "s", 2).met is True
    assert Figure("a", 2.1, "s", 2).met is False
    assert Figure("a", 2.1, "1/s", 2, "at least").met is True
    assert Figure("a", 2.1, "s").met is None


def test_every_goal_is_of_a_figure_in_the_baseline() -> None:
    names = baseline.load().values
    assert {goal_of(name) for name in names} == {None, *GOALS.values()}


def test_growth_names_operation_old_and_new() -> None:
    old = Baseline("gcc 12", {"a": 100, "b": 100, "c": 1, "zero": 0})
    now = [Figure("a", 103, "x"), Figure("b", 104, "x"), Figure("zero", 1, "x"), Figure("d", 9, "")]
    assert list(map(str, baseline.grown(old, now, "gcc 12"))) == [
        "b: was 100, is 104 (+4.0%)",
        "c: was 1, is no longer measured",
        "zero: was 0, is 1",
    ]


def test_another_compiler_is_given_more_room() -> None:
    old = Baseline("gcc 12", {"a": 100})
    assert not list(baseline.grown(old, [Figure("a", 124, "x")], "gcc 13"))
    assert list(baseline.grown(old, [Figure("a", 126, "x")], "gcc 13"))


def test_a_baseline_reads_as_written(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(RingbenchError, match="make perf-baseline"):
        baseline.load(path)
    baseline.save([Figure("a", 1.23456, "x")], "gcc 12", path)
    assert baseline.load(path) == Baseline("gcc 12", {"a": 1.2346})
