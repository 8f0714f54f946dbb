"""The engine on a subject that is no kernel: it hunts, makes small, replays, runs and starves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ringbench import subjects
from ringbench.config import Config, load
from ringbench.drive.reply import Predicate, Reply
from ringbench.engine.hunt.search import SearchResult, search
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.replay import replay
from ringbench.engine.run import Options, Workload, run
from ringbench.engine.runner import Failure
from ringbench.engine.script import failure_script, machine_words, read_script
from ringbench.engine.starve import starve, starve_random
from ringbench.errors import ConfigError
from ringbench.subject import Starvable
from tests.unit.toy import CELLS, Bug, Give, Operation, Roll, State, Take, Toy, Write

SECONDS = 100
RIGHT = Toy()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "ringbench.toml").write_text("[kernel]\nelf = 'no.elf'\nprompt = '> '\n")
    return load(tmp_path / "ringbench.toml")


def nothing(*_: object) -> None:
    """No progress is wanted."""


def hunted(bug: Bug, config: Config, chunks: int = 4) -> SearchResult:
    return search(Toy(bug), config, 1, SECONDS, chunks=chunks)


def the_failure(bug: Bug, config: Config) -> Failure:
    """The one failure that a hunt of a wrong toy finds."""
    [failure] = hunted(bug, config).failures
    return failure


# --- the hunt -------------------------------------------------------------------------------------


def test_a_right_toy_obeys(config: Config) -> None:
    result = hunted(Bug.NONE, config)
    assert result.failures == ()
    assert result.complete
    assert result.sequences == 40
    assert result.operations > 4000


def test_a_seed_repeats(config: Config) -> None:
    assert hunted(Bug.NONE, config, 2) == hunted(Bug.NONE, config, 2)


@pytest.mark.parametrize(
    ("bug", "smallest"),
    [
        (Bug.SECOND_GIVE_IS_FINE, ["take", "give 1"]),
        (Bug.WRITES_BESIDE, [*["take"] * 4, "write 2 1"]),
        (Bug.LEAKS_WHEN_FULL, ["take"] * (CELLS + 1)),
        (Bug.ROLLS_SEVEN, ["roll"]),
        (Bug.ENDS, [*["take"] * 6, "give 5"]),
    ],
)
def test_a_planted_bug_shrinks_to_its_minimum_and_is_replayed(
    bug: Bug, smallest: list[str], config: Config, tmp_path: Path
) -> None:
    failure = the_failure(bug, config)
    lines = [str(operation) for operation in failure.operations]
    assert len(lines) == len(smallest), lines
    assert sorted(line.split()[0] for line in lines) == sorted(line.split()[0] for line in smallest)

    path = tmp_path / "failure.ring"
    failure_script(failure, machine_words(config)).write(path)
    script = read_script(path, RIGHT.parse)
    assert script.operations == failure.operations
    told: list[str] = []
    wrong = replay(Toy(bug), config, script, lambda line, reply: told.append(line))
    assert not wrong.agreed
    assert wrong.performed == len(smallest)
    if bug is not Bug.ENDS:
        assert told == lines
        assert wrong.mismatches
    right = replay(RIGHT, config, script, nothing)
    assert right.agreed
    assert right.performed == len(smallest)


def test_a_rule_that_is_broken_is_named(config: Config) -> None:
    failure = the_failure(Bug.ROLLS_SEVEN, config)
    [mismatch] = failure.caught.mismatches
    assert (mismatch.expected, mismatch.seen) == ("a number from 1 to 6", "ok 0x7")
    assert (mismatch.layer, mismatch.what) == ("numbers", "reply")


def test_what_cannot_be_predicted_is_left_out_of_a_replay(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "odd.ring"
    path.write_text("take\nwrite 0 13\nwrite 0 12\n")
    result = replay(RIGHT, config, read_script(path, RIGHT.parse), nothing)
    assert result.agreed
    assert result.skipped == ("write 0 13",)


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.ring"
    path.write_text("take\nfly 3\n")
    with pytest.raises(ConfigError, match=r"odd\.ring:2: 'fly 3': a toy does not know that"):
        read_script(path, RIGHT.parse)


# --- runs and lockstep ----------------------------------------------------------------------------


def test_a_run_takes_every_channel_and_counts_by_layer(config: Config) -> None:
    workloads = {"plain": Workload(100, 50), "lazy": Workload(203, 100)}
    result = run(RIGHT, config, Options(1, workloads), nothing)
    assert result.passed
    assert result.channels == {"plain": 100, "lazy": 203}
    assert result.pictures == 1 + 2 + 3 + 1
    rows = {row.layer: row for row in result.layers}
    assert list(rows) == ["cells", "numbers", "machine"]
    assert rows["cells"].operations + rows["numbers"].operations >= 303
    assert rows["numbers"].comparisons > rows["numbers"].operations


def test_a_run_ends_at_the_first_disagreement(config: Config) -> None:
    options = Options(1, {"lazy": Workload(1000, 100)})
    result = run(Toy(Bug.LEAKS_WHEN_FULL), config, options, nothing)
    assert not result.passed
    assert result.operations < 300
    assert result.mismatches[0].what == "free cells"


def test_layers_are_chosen(config: Config) -> None:
    workloads = {"plain": Workload(60, 60)}
    result = run(RIGHT, config, Options(1, workloads, ("numbers",)), nothing)
    assert next(row for row in result.layers if row.layer == "cells").operations == 0


def test_the_model_is_ahead_of_a_lazy_channel() -> None:
    with closing(RIGHT.start(None)) as kernel:  # type: ignore[arg-type]
        lockstep: Lockstep[State, Operation] = Lockstep(RIGHT, kernel)
        channel = kernel.channel("lazy")
        for _ in range(3):
            lockstep.predict(Take())
        lockstep.hand_over(channel)
        assert kernel.machine.cells == {}
        lockstep.predict(Give(1))
        assert set(lockstep.state) == {0, 2}
        lockstep.hand_over(channel)
        assert set(kernel.machine.cells) == {0, 1, 2}
        assert lockstep.steps == 3
        assert lockstep.catch_up(channel) == []
        assert set(kernel.machine.cells) == {0, 2}
        lockstep.look("at the end")


def test_what_follows_a_wrong_reply_is_not_compared() -> None:
    with closing(Toy(Bug.SECOND_GIVE_IS_FINE).start(None)) as kernel:  # type: ignore[arg-type]
        lockstep: Lockstep[State, Operation] = Lockstep(RIGHT, kernel)
        for operation in (Take(), Give(1), Give(2)):
            lockstep.predict(operation)
        with pytest.raises(Diverged, match=r"cells: reply at operation 2: give 1: expected not_ta"):
            lockstep.catch_up(kernel.channel("lazy"))
        assert len(lockstep.mismatches) == 1


def test_a_channel_gets_only_what_it_supports(config: Config) -> None:
    result = run(Toy(Bug.ROLLS_SEVEN), config, Options(1, {"plain": Workload(300, 300)}), nothing)
    assert result.passed, "rolls are not for this channel"
    assert RIGHT.start(config).channel("lazy").supports(Roll())


# --- starving -------------------------------------------------------------------------------------


def test_a_right_toy_is_starved(config: Config) -> None:
    assert isinstance(RIGHT, Starvable)
    result = starve(RIGHT, config)
    assert result.passed
    assert [(each.case, each.taken, each.failed) for each in result.starved] == [
        ("first cell", 1, 1),
        ("third cell", 1, 1),
        ("no cell needed: write", 0, 0),
    ]
    drawn = starve_random(RIGHT, config, 3, count=5)
    assert drawn.passed
    assert all(each.failed == 1 for each in drawn.starved)


def test_a_wrong_toy_is_caught_when_it_starves(config: Config) -> None:
    result = starve(Toy(Bug.LEAKS_WHEN_FULL), config, stop=True)
    [caught] = result.caught
    assert "free cells" in str(caught)


# --- which subject --------------------------------------------------------------------------------


def test_a_subject_of_ones_own_is_found_by_module_and_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("from tests.unit.toy import Toy\n\nMINE = Toy()\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "ringbench.toml"
    head = "[kernel]\nelf = 'no.elf'\nprompt = '> '\n"
    file.write_text(f"{head}subject = 'mine:MINE'\n")
    assert subjects.load(load(file)) == RIGHT
    with pytest.raises(ConfigError, match="the subject 'toy' has no hostile boots"):
        subjects.load_boots(load(file))
    for name, words in (
        ("mine:YOURS", "no attribute 'YOURS'"),
        ("yours:MINE", "No module named 'yours'"),
        ("mine", "expected one of reference, contracts, or `module:variable`"),
    ):
        file.write_text(f"{head}subject = '{name}'\n")
        with pytest.raises(ConfigError, match=words):
            subjects.load(load(file))
    file.write_text(head)
    with pytest.raises(ConfigError, match=r"kernel\.subject is not set"):
        subjects.load(load(file))


# --- expectations ---------------------------------------------------------------------------------


def test_what_an_expectation_allows() -> None:
    exact = Reply("ok", (1, "t1"))
    assert exact.allows(Reply("ok", (1, "t1")))
    assert not exact.allows(Reply("ok", (2, "t1")))
    assert (exact.facts, str(exact)) == (3, "ok 0x1 t1")
    even = Predicate("even", lambda reply: all(int(each) % 2 == 0 for each in reply.values))
    assert even.allows(Reply("ok", (2, 4)))
    assert not even.allows(Reply("ok", (2, 3)))
    assert (even.facts, str(even)) == (1, "even")


def test_lines_are_read_back() -> None:
    operations: tuple[Operation, ...] = (Take(), Give(3), Write(1, 2), Roll())
    assert tuple(RIGHT.parse(str(each)) for each in operations) == operations
