"""QEMU or gdb ended or stopped from outside: tried once more, and never a finding."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ringbench.config import Config, load
from ringbench.drive.reply import Reply
from ringbench.ending import Ending, EndKind
from ringbench.engine.hunt.search import search
from ringbench.engine.replay import replay
from ringbench.engine.runner import Runner
from ringbench.engine.script import Script
from ringbench.engine.starve import starve, starve_random
from ringbench.errors import BootTimeout, Ended, QemuDied
from ringbench.machine.qmp import Event
from ringbench.machine.triage import Facts, classify
from tests.unit.toy import Bug, Operation, Take, Toy, ToyKernel, ToyMachine

SECONDS = 60.0
KILLED = Ending(EndKind.QEMU_DIED, "QEMU died: killed by SIGKILL", outside=True)


@dataclass
class Killed(ToyMachine):
    """A toy whose process is killed at one of its operations."""

    left: Iterator[int] = field(default_factory=itertools.count)

    def perform(self, operation: Operation) -> Reply:
        if next(self.left) == 0:
            raise QemuDied(KILLED.message, ending=KILLED)
        return super().perform(operation)

    def __deepcopy__(self, memo: object) -> Killed:
        return Killed(self.bug, dict(self.cells), self.left)


@dataclass(frozen=True)
class Hit(Toy):
    """Toys of which the first `times` are killed at their operation `at`."""

    times: int = 1
    at: int = 30
    started: Iterator[int] = field(default_factory=itertools.count)

    def start(self, config: Config) -> ToyKernel:
        kernel = ToyKernel(self.bug)
        if next(self.started) < self.times:
            kernel.machine = Killed(self.bug, left=itertools.count(-self.at))
        return kernel


@dataclass(frozen=True)
class Slow(Hit):
    """Toys of which the first `times` do not boot in time."""

    def start(self, config: Config) -> ToyKernel:
        if next(self.started) < self.times:
            ending = Ending(EndKind.HANG, "hang: no prompt within 30 s")
            raise BootTimeout(ending.message, ending=ending)
        return ToyKernel(self.bug)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "ringbench.toml").write_text("[kernel]\nelf = 'no.elf'\nprompt = '> '\n")
    return load(tmp_path / "ringbench.toml")


def test_a_boot_that_takes_too_long_is_a_finding_only_if_the_next_one_does_too(
    config: Config,
) -> None:
    result = search(Slow(times=1), config, 1, SECONDS, chunks=1)
    assert result.disturbed == ("hang: no prompt within 30 s; it was booted once more",)
    assert not result.failures
    [failure] = search(Slow(times=1000), config, 1, SECONDS, chunks=1).failures
    assert not failure.operations


@pytest.mark.parametrize("at", [0, 5, 30, 200, 600])
@pytest.mark.parametrize("bug", [Bug.NONE, Bug.SECOND_GIVE_IS_FINE])
def test_a_hunt_tries_the_sequence_once_more(config: Config, at: int, bug: Bug) -> None:
    """Of hypothesis, of the explorer, while it is made smaller: what is found is the same."""
    sound = search(Toy(bug), config, 1, SECONDS, chunks=2)
    result = search(Hit(bug, at=at), config, 1, SECONDS, chunks=2)
    assert result.disturbed == ("QEMU died: killed by SIGKILL; tried once more",)
    assert result.given_up == ""
    assert [each.key for each in result.failures] == [each.key for each in sound.failures]
    assert [each.operations for each in result.failures] == [
        each.operations for each in sound.failures
    ]


@pytest.mark.parametrize("at", [5, 30, 300])
def test_a_hunt_that_is_disturbed_again_keeps_nothing(config: Config, at: int) -> None:
    result = search(Hit(times=1000, at=at), config, 1, SECONDS, chunks=2)
    assert result.given_up == "QEMU died: killed by SIGKILL"
    assert (result.failures, result.complete) == ((), False)


def test_a_sequence_that_is_played(config: Config) -> None:
    with Runner(Hit(at=2), config) as runner:
        assert runner.play((Take(), Take(), Take(), Take())) is None
        assert len(runner.disturbed) == 1
    with Runner(Hit(at=2, times=2), config) as runner, pytest.raises(QemuDied):
        runner.play((Take(), Take(), Take(), Take()))


def test_a_replay_says_so(config: Config) -> None:
    with pytest.raises(QemuDied):
        replay(Hit(at=1), config, Script((Take(), Take())), lambda line, reply: None)


@pytest.mark.parametrize("at", [0, 10, 25])
def test_starving_tries_the_case_once_more(config: Config, at: int) -> None:
    sound = starve(Toy(), config)
    result = starve(Hit(at=at), config)
    assert result.starved == sound.starved
    assert len(result.disturbed) == 1
    assert result.given_up == ""
    given_up = starve(Hit(at=min(at, 10), times=9), config)
    assert given_up.given_up
    assert given_up.passed
    assert len(given_up.starved) < len(sound.starved)


def test_drawn_operations_that_are_starved(config: Config) -> None:
    sound = starve_random(Toy(), config, 3, count=5)
    result = starve_random(Hit(at=40), config, 3, count=5)
    assert result.starved == sound.starved
    assert len(result.disturbed) == 1
    assert starve_random(Hit(at=40, times=2), config, 3, count=5).given_up


def test_an_end_of_the_kernels_own_is_a_finding_as_ever(config: Config) -> None:
    result = search(Toy(Bug.ENDS), config, 1, SECONDS, chunks=2)
    assert len(result.failures) == 1
    assert result.disturbed == ()


@pytest.mark.parametrize(
    ("facts", "outside"),
    [
        (Facts(exit_status=-signal.SIGKILL), True),
        (Facts(exit_status=-signal.SIGTERM), True),
        (Facts(exit_status=-signal.SIGXCPU), True),
        (Facts(exit_status=-signal.SIGSEGV), False),
        (Facts(exit_status=-signal.SIGABRT), False),
        (Facts(exit_status=1), False),
        (Facts(events=(Event("SHUTDOWN", {"reason": "host-signal"}, 0.0),)), True),
        (Facts(events=(Event("SHUTDOWN", {"reason": "host-qmp-quit"}, 0.0),)), True),
        (Facts(events=(Event("SHUTDOWN", {"reason": "guest-reset"}, 0.0),)), False),
        (Facts(gdb_gone="gdb is gone"), True),
        (Facts(overdue="no prompt", stopped=True), True),
        (Facts(overdue="no prompt"), False),
        (Facts(opening="panic", block=("!! panic",), exit_status=-signal.SIGKILL), False),
    ],
)
def test_what_comes_from_outside(facts: Facts, outside: bool) -> None:
    ending = classify(facts)
    assert ending is not None
    assert Ended(ending.message, ending=ending).outside is outside
