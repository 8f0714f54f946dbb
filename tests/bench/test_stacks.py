"""Stacks: how deep they are used, run past their end, returns to where no call was.

A kernel does what is wrong and what only looks so, a letter each; its source says where.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringbench.machine import Machine
from ringbench.microscope.findings import Seen, left_out
from tests.bench.command import run
from tests.bench.conftest import FOLDERS, KernelConfigs

WATCHED = {"kernel.prompt": "> ", "machine.watch": "stacks"}
SOURCE = (FOLDERS / "stacked" / "kernel.c").read_text("utf-8").splitlines()
OVERFLOW, RETURN = "stack overflow", "return address overwritten"


def line(mark: str) -> int:
    """Return the number of the line that is marked."""
    [number] = [number for number, text in enumerate(SOURCE, 1) if f"/* {mark} */" in text]
    return number


@pytest.fixture(scope="module", params=["default", "registers"])
def guest(kernels: KernelConfigs, request: pytest.FixtureRequest) -> Iterator[Machine]:
    changes: dict[str, object] = dict(WATCHED)
    if request.param == "registers":
        changes["machine.qemu"] = request.getfixturevalue("qemu_with_registers")
    with Machine.start(kernels("stacked", changes)) as guest:
        yield guest


@pytest.fixture(scope="module")
def found(guest: Machine) -> dict[str, tuple[Seen, ...]]:
    """What each letter is found to do."""
    result = {}
    for letter in "abcdABCDE":
        before = guest.microscope.found
        assert "done" in guest.command(letter)
        with guest.stopped():
            result[letter] = guest.seen()[before:]
    assert not left_out(guest.microscope)
    return result


def test_past_the_end_by_calls_and_by_one_large_frame(found: dict[str, tuple[Seen, ...]]) -> None:
    [calls], [frame] = found["a"], found["b"]
    assert (calls.kind, calls.path.place.line) == (OVERFLOW, line("a"))
    assert calls.path.callers[0].symbol.startswith("descend+")
    assert "below the stack of 2,048 bytes" in calls.words
    assert frame.kind == OVERFLOW
    assert frame.path.place.symbol.startswith("large_frame+")
    assert frame.path.callers[0].symbol.startswith("descend_and_reach+")


@pytest.mark.parametrize("letter", ["c", "d"])
def test_a_return_to_elsewhere(found: dict[str, tuple[Seen, ...]], letter: str) -> None:
    [one] = found[letter]
    assert (one.kind, one.path.place.line) == (RETURN, line(letter))
    [stored] = one.before
    assert stored.place.line == line(f"stored: {letter}")


@pytest.mark.parametrize("letter", "ABCDE")
def test_what_only_looks_wrong(found: dict[str, tuple[Seen, ...]], letter: str) -> None:
    assert not found[letter]


def test_how_deep_each_stack_was_used(guest: Machine, found: dict[str, tuple[Seen, ...]]) -> None:
    assert found
    with guest.stopped():
        uses = {each.stack.name: each for each in guest.stack_use()}
    assert {name: use.stack.end - use.stack.begin for name, use in uses.items()} == {
        "neighbour_stack": 1024,
        "small_stack": 2048,
        "boot_stack": 16384,
    }
    assert 150 < uses["neighbour_stack"].bytes < 300
    assert uses["small_stack"].bytes == 2048
    assert uses["boot_stack"].bytes < 200
    assert uses["neighbour_stack"].place.symbol.startswith("descend+")
    assert any(
        each.symbol.startswith("descend_and_leave") for each in uses["neighbour_stack"].callers
    )


def test_the_command_says_how_deep() -> None:
    done = run("why", "--watch", "stacks", "--command", "heap alloc 5")
    assert done.returncode == 0, done.stdout
    assert "stack image_stack_bottom: " in done.stdout
    assert " of 32,768 bytes used, at " in done.stdout
