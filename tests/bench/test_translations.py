"""Translations that are used before they are flushed, and those that are not.

A kernel does everything wrong that can be, and right, a trial at a time; its source says where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ringbench.errors import StartError
from ringbench.machine import Machine
from ringbench.microscope.findings import Seen, left_out
from ringbench.microscope.programs import REGISTERS, interface_of
from tests.bench.conftest import FOLDERS, KernelConfigs

WATCHED = {"kernel.prompt": "> ", "machine.watch": "translations"}
SOURCE = (FOLDERS / "flushes" / "trials.c").read_text("utf-8").splitlines()
TRIALS = dict(re.findall(r'\{"([^"]+)", (\w+)\}', "\n".join(SOURCE)))
WELL = [name for name in TRIALS if "well" in name]
WRONG = [name for name in TRIALS if "well" not in name]
KINDS = {
    "emptied table": "stale upper-level entry",
    "reused table": "table reused too early",
}
"""Trial -> kind, where it is not a stale translation."""

WORDS = {
    "unmap": "which took away the mapping; owed is INVLPG of 0xffffc00000001000, or a load of CR3",
    "remap": "which took away the frame",
    "protect": "which took away the right to write",
    "forbid execution": "executes code at 0xffffc00000003000",
    "global of another root": "may still have the 4 KiB page",
    "global by cr3": "or a change of CR4.PGE, since it is global",
    "large": "may still have the 2 MiB page",
    "gib": "entry 1 of the PDPT",
    "split and moved": "which took away the page's size",
    "other table": "which took away the table below it",
    "emptied table": "for these 2 MiB, where no page is",
    "root entry": "entry 384 of the PML4",
    "reused table": "which the processor may still take for a table",
}
"""Trial -> part of what is said."""


def lines_of(function: str) -> dict[int, str]:
    """Number -> text of each line of a function of the kernel's."""
    begin = next(n for n, text in enumerate(SOURCE, 1) if f"void {function}(" in text)
    end = next(n for n, text in enumerate(SOURCE, 1) if n > begin and text == "}")
    return {number: SOURCE[number - 1] for number in range(begin, end)}


def marked(function: str) -> int:
    """Return the line of a function whose access comes too early."""
    lines = lines_of(function)
    [number] = [number for number, text in lines.items() if "stale" in text]
    if "in use()" in lines[number]:
        [number] = [number for number, text in lines_of("use").items() if "*at" in text]
    return number


@pytest.fixture(scope="module")
def guest(kernels: KernelConfigs, qemu_with_registers: str) -> Iterator[Machine]:
    config = kernels("flushes", WATCHED | {"machine.qemu": qemu_with_registers})
    with Machine.start(config) as guest:
        yield guest


def found(guest: Machine, trial: str) -> tuple[Seen, ...]:
    before = guest.microscope.found
    assert "done" in guest.command(trial)
    with guest.stopped():
        assert not left_out(guest.microscope)
        return guest.seen()[before:]


def test_there_are_as_many_as_the_documentation_says() -> None:
    assert (len(WRONG), len(WELL)) == (27, 18)


@pytest.mark.parametrize("trial", WRONG)
def test_what_is_wrong_is_found_once_by_kind_and_line(guest: Machine, trial: str) -> None:
    [one] = found(guest, trial)
    assert one.kind == KINDS.get(trial, "stale translation")
    assert WORDS.get(trial, "owed is INVLPG of") in one.words
    places = [one.path.place, *one.path.callers]
    assert marked(TRIALS[trial]) in [place.line for place in places[:2]]
    stored = one.before[0]
    assert stored.place.file.endswith(("trials.c", "kernel.h"))
    functions = [each.symbol.partition("+")[0] for each in (stored.place, *stored.callers)]
    assert TRIALS[trial] in functions[:2]


@pytest.mark.parametrize("trial", WELL)
def test_what_is_right_is_not_found(guest: Machine, trial: str) -> None:
    assert not found(guest, trial)


def test_a_qemu_without_registers(kernels: KernelConfigs) -> None:
    config = kernels("flushes", WATCHED)
    if interface_of(config.machine.qemu) >= REGISTERS:
        pytest.skip("this QEMU shows registers")
    with pytest.raises(StartError, match=r"take a QEMU of 9\.1 or later"):
        Machine.start(config)
