"""The order when a translation goes: entry cleared, flushed, and only then its frame is free.

One processor can't see the order by what it computes, and QEMU's drops global translations at every
load of a root, which a real one keeps. So gdb stops at the instructions themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import pytest

from ringbench.arch.x86_64.walk import translate
from ringbench.machine import Gdb
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.vocabulary.flags import GLOBAL, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import (
    PageDelete,
    PageMap,
    PageNew,
    PageProtect,
    PageUnmap,
)
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAlloc,
    VmFree,
    VmProtect,
    VmResize,
    VmWrite,
)
from tests.system.conftest import Kernel
from tests.system.page_tables import G1, K4, M2

PGE: Final = 1 << 7
FLUSHERS: Final = (
    *("paging_clear", "paging_unmap", "paging_reflag"),
    *("tables_collect", "paging_root_destroy"),
)
OPERAND: Final = re.compile(r"invlpg\s+\(%(\w+)\)|mov\s+%(\w+),%cr4")


class Event(NamedTuple):
    """What is about to happen: a `flush` of an address, a `load` of CR4, a `free` of a frame."""

    what: str
    value: int


Stop = Callable[[Event], None]


def flushes(gdb: Gdb, function: str) -> Iterator[tuple[int, str, str]]:
    """Instructions of a function that flush: address, what, and the register with the operand."""
    start = gdb.symbol(function)
    body: list[dict[str, Any]] = gdb.execute(f"-data-disassemble -a {start:#x} -- 0")["asm_insns"]
    for line in body:
        if match := OPERAND.search(line["inst"]):
            what = "flush" if match[1] else "load"
            yield int(line["address"], 16), what, match[1] or match[2]


def perform(kernel: Kernel, operation: Operation, stop: Stop) -> None:
    """Perform an operation in lockstep, and call `stop` before every flush and every free."""

    def command(line: str) -> str:
        gdb = kernel.machine.gdb
        places: dict[int, tuple[str, str]] = {}
        for function in FLUSHERS:
            places |= {at: (what, register) for at, what, register in flushes(gdb, function)}
        assert len(places) >= len(FLUSHERS), "each of them flushes"
        places[gdb.symbol("pmm_free")] = ("free", "rdi")
        end = gdb.symbol("reply_print")
        for address in (*places, end):
            gdb.break_(f"*{address:#x}")
        gdb.continue_()
        kernel.machine.begin(line)
        while True:
            where = gdb.wait_stop().frame
            assert where is not None
            if where.address == end:
                break
            what, register = places[where.address]
            stop(Event(what, gdb.register(register)))
            gdb.continue_()
        kernel.machine.detach_gdb()
        return kernel.machine.finish()

    reply = kernel.lockstep.step(ConsoleChannel(command), operation)
    assert reply.ok, reply


@contextmanager
def gone_before_freed(kernel: Kernel, root: int, base: int, pages: int) -> Iterator[Stop]:
    """A `stop` that sees each page's entry cleared when it is flushed, and both when it is freed.

    In the end all of `pages` must have been flushed and freed.
    """
    memory = kernel.machine.memory
    page_of = {}
    for page in range(base, base + pages * K4, K4):
        frame = translate(memory, root, page).paddr
        assert frame is not None
        page_of[frame] = page
    flushed: set[int] = set()
    freed: set[int] = set()

    def stop(event: Event) -> None:
        page = page_of.get(event.value)
        if event.what == "flush" and base <= event.value < base + pages * K4:
            assert translate(memory, root, event.value).paddr is None, "flushed, then cleared"
            flushed.add(event.value)
        elif event.what == "free" and page is not None:
            assert translate(memory, root, page).paddr is None, "freed while mapped"
            assert page in flushed, "freed before it was flushed"
            freed.add(page)

    yield stop
    assert freed == set(page_of.values())


def test_pages_of_a_region_are_flushed_before_they_are_freed(kernel: Kernel) -> None:
    base = kernel.value(VmAlloc("kernel", 3 * K4, "anonymous", WRITE))
    with gone_before_freed(kernel, kernel.state.kernel_root, base, 3) as stop:
        perform(kernel, VmFree("kernel", base), stop)


def test_pages_beyond_a_moved_end_are_flushed_before_they_are_freed(kernel: Kernel) -> None:
    base = kernel.value(VmAlloc("kernel", 4 * K4, "anonymous", WRITE))
    with gone_before_freed(kernel, kernel.state.kernel_root, base + K4, 3) as stop:
        perform(kernel, VmResize("kernel", base, K4), stop)


def test_pages_of_a_task_are_flushed_before_they_are_freed(kernel: Kernel, task: str) -> None:
    base = kernel.value(VmAlloc(task, 2 * K4, "demand", WRITE))
    kernel.values(VmWrite(task, base, b"12345678"))
    root = kernel.state.root_of(task)
    assert root is not None
    with gone_before_freed(kernel, root, base, 1) as stop:
        perform(kernel, TaskDelete(task), stop)


def test_changed_pages_are_flushed_after_the_change(kernel: Kernel) -> None:
    base = kernel.value(VmAlloc("kernel", 3 * K4, "anonymous", WRITE))
    flushed = []

    def stop(event: Event) -> None:
        walk = translate(kernel.machine.memory, kernel.state.kernel_root, event.value)
        assert event.what == "flush"
        assert walk.leaf is not None
        assert not walk.leaf.write, "flushed, then changed"
        flushed.append(event.value)

    perform(kernel, VmProtect("kernel", base, 0), stop)
    assert flushed == [base, base + K4, base + 2 * K4]


@pytest.mark.parametrize("size", [K4, M2, G1])
def test_a_root_that_goes_takes_its_global_pages_out_of_the_tlb(kernel: Kernel, size: int) -> None:
    """By CR4.PGE going off and on (SDM 3A 4.10.4.1): the root's pages are not known one by one."""
    root = kernel.handle(PageNew())
    kernel.values(PageMap(root, G1, 0, size, size, WRITE | GLOBAL))
    kernel.values(Touch(root, G1, "w"))
    loads = []

    def stop(event: Event) -> None:
        if event.what == "load":
            loads.append(bool(event.value & PGE))

    perform(kernel, PageDelete(root), stop)
    assert loads == [False, True]


@pytest.mark.parametrize("size", [K4, M2, G1])
@pytest.mark.parametrize("change", [PageUnmap, PageProtect])
def test_global_pages_of_every_size_are_flushed_by_an_address_in_each(
    kernel: Kernel, change: type[PageUnmap] | type[PageProtect], size: int
) -> None:
    """INVLPG drops those as well (SDM 3A 4.10.4.1)."""
    flags = GLOBAL
    root = kernel.handle(PageNew())
    kernel.values(PageMap(root, 4 * G1, 0, 3 * size, size, WRITE | flags))
    events: list[Event] = []
    extra = () if change is PageUnmap else (flags,)
    perform(kernel, change(root, 4 * G1, 3 * size, *extra), events.append)
    flushed = {event.value // size for event in events if event.what == "flush"}
    assert flushed >= {(4 * G1 + number * size) // size for number in range(3)}


def test_a_table_is_out_of_use_before_it_is_freed(kernel: Kernel) -> None:
    """Removing a window's only page frees its tables, each after a flush that covers it."""
    base = kernel.value(VmAlloc("kernel", K4, "anonymous", WRITE))
    events: list[Event] = []
    perform(kernel, VmFree("kernel", base), events.append)
    frees = [number for number, event in enumerate(events) if event.what == "free"]
    assert len(frees) == 4, "page, table, directory, slab"
    for number in frees[:3]:
        what, value = events[number - 1]
        assert (what, value // K4 * K4) == ("flush", base)
