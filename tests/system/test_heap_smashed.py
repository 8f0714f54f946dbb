"""A heap whose bookkeeping was overwritten: what is found, what is refused, what is a panic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from ringbench.drive.reply import Reply
from ringbench.errors import Ended
from ringbench.machine import EndKind, Machine
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.vocabulary.operations.heap import (
    HeapAlloc,
    HeapCheck,
    HeapFree,
    HeapRealloc,
)
from tests.system.heap_nodes import BASE, HEADER, alloc, free, holes, peek, poke
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel


# --- headers, links and lists --------------------------------------------------------------------

HEADERS: Final = (
    (0, 0x02), (3, 0x80), (4, 0x02), (7, 0x80), (8, 0x01), (11, 0x80), (12, 0x01), (15, 0x80)
)  # fmt: skip
"""Bytes of a header and bits of them to flip, low and high ones of: the size of the node before,
the tag (the size; bit 0 says that it is in use), the guard."""


def flip(machine: Machine, vaddr: int, mask: int) -> None:
    [byte] = peek(machine, vaddr, 1)
    poke(machine, vaddr, bytes([byte ^ mask]))


@contextmanager
def smashed(kernel: Kernel, vaddr: int, mask: int) -> Iterator[None]:
    """Flip bits of a byte from outside, and flip them back."""
    flip(kernel.machine, vaddr, mask)
    try:
        yield
    finally:
        flip(kernel.machine, vaddr, mask)


@contextmanager
def poked(kernel: Kernel, vaddr: int, data: bytes) -> Iterator[None]:
    """Overwrite bytes from outside, and put them back."""
    before = peek(kernel.machine, vaddr, len(data))
    poke(kernel.machine, vaddr, data)
    try:
        yield
    finally:
        poke(kernel.machine, vaddr, before)


def corrupt(kernel: Kernel, pointer: int, status: str = "corrupt") -> None:
    """The pointer must not be freed or resized; past the model, which knows of no damage."""
    for operation in (HeapFree(pointer), HeapRealloc(pointer, 5000), HeapRealloc(pointer, 1)):
        assert kernel.console.perform(operation) == Reply(status)


def test_a_smashed_header(kernel: Kernel) -> None:
    pointers = alloc(kernel, 96, 96, 96, 96, 32)
    free(kernel, pointers[1])
    for pointer, (offset, mask) in product(pointers[2:4], HEADERS):
        node = pointer - HEADER
        with smashed(kernel, node + offset, mask):
            corrupt(kernel, pointer)
            assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (node,))
            for command in ("heap info", "heap list"):
                assert kernel.machine.command(command) == f"err corrupt {node:#x}"
            # What lies behind it cannot be told from what was smashed.
            corrupt(kernel, pointer + 16)
            corrupt(kernel, pointers[0] + 16, "interior")
        kernel.values(HeapCheck())
    free(kernel, pointers[3])


@pytest.mark.parametrize("overrun", [1, 4, 5, 8, 12, 16])
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x41, 0x80, 0xFF])
def test_a_header_that_was_written_over(kernel: Kernel, byte: int, overrun: int) -> None:
    """By too long a write to the payload before it, of one byte over and over."""
    _, b, _ = alloc(kernel, 96, 96, 32)
    node = b - HEADER
    data = bytes([byte]) * overrun
    before = peek(kernel.machine, node, HEADER)
    with poked(kernel, node, data):
        if data != before[:overrun]:
            corrupt(kernel, b)
            assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (node,))
    kernel.values(HeapCheck())


def test_a_header_from_elsewhere(kernel: Kernel) -> None:
    """A sound header is none in another place."""
    pointers = alloc(kernel, 96, 96, 96, 96, 32)
    header = peek(kernel.machine, pointers[1] - HEADER, HEADER)
    with poked(kernel, pointers[3] - HEADER, header):
        corrupt(kernel, pointers[3])
    with poked(kernel, pointers[2] + 32, header):
        corrupt(kernel, pointers[2] + 48, "interior")


def test_a_smashed_free_neighbour(kernel: Kernel) -> None:
    """Nothing is merged with it, and nothing is changed."""
    a, b, c, _ = alloc(kernel, 96, 96, 96, 32)
    free(kernel, b)
    node = b - HEADER
    for offset, mask in HEADERS:
        with smashed(kernel, node + offset, mask):
            assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (node,))
            corrupt(kernel, a)
            assert kernel.console.perform(HeapFree(c)) == Reply("corrupt")
            assert kernel.console.perform(HeapRealloc(c, 5000)) == Reply("corrupt")
    kernel.look("after it was mended")
    free(kernel, c)
    free(kernel, a)


def test_a_smashed_neighbour_in_use_stays_smashed(kernel: Kernel) -> None:
    """It is not merged with, so freeing goes on; its guard is not put right on the way."""
    a, b, c, _ = alloc(kernel, 96, 96, 96, 32)
    node = c - HEADER
    free(kernel, a)
    with smashed(kernel, node + 12, 0x40):
        free(kernel, b)  # the node before c is now where a was
        assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (node,))
        assert kernel.console.perform(HeapFree(c)) == Reply("corrupt")
    kernel.values(HeapCheck())
    free(kernel, c)


@pytest.mark.parametrize("offset", [16, 24])
def test_smashed_links_of_a_free_node(kernel: Kernel, offset: int) -> None:
    lowest, middle, _ = (pointer - HEADER for pointer in holes(kernel, 96, 96, 96))
    for byte in (offset, offset + 1):
        with smashed(kernel, lowest + byte, 0x60):
            assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (lowest,))
        # The two ends of a link disagree: the lower one is named.
        with smashed(kernel, middle + byte, 0x60):
            reply = kernel.console.perform(HeapCheck())
            assert reply == Reply("corrupt", (lowest if offset == 16 else middle,))
    # A link to what could be a node, but is not the one.
    with poked(kernel, lowest + offset, (middle + 96).to_bytes(8, "little")):
        assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (lowest,))
    kernel.values(HeapCheck())


LISTS: Final = (
    ("heap.first_bitmap", 0x01),
    ("heap.first_bitmap", 0x80),
    ("heap.second_bitmap[0]", 0x40),  # nodes of 96 bytes
    ("heap.second_bitmap[0]", 0x80),
    ("heap.second_bitmap[5]", 0x01),
    ("heap.free[6]", 0x20),
    ("heap.free[99]", 0x20),
    ("heap.last", 0x20),
)


def test_a_check_finds_what_is_wrong_with_the_lists(kernel: Kernel) -> None:
    holes(kernel, 96)
    for name, mask in LISTS:
        address = kernel.lockstep.kernel.inspector.types.locate(name).address
        with smashed(kernel, address, mask):
            assert kernel.console.perform(HeapCheck()).status == "corrupt", name
        kernel.values(HeapCheck())


def test_a_check_finds_a_list_that_leads_to_a_node_in_use(kernel: Kernel) -> None:
    """All bitmaps agree with the list, which was empty."""
    [pointer] = alloc(kernel, 96)
    node = pointer - HEADER
    with ExitStack() as stack:
        for name, value in (
            ("heap.free[6]", node),
            ("heap.second_bitmap[0]", 1 << 6),
            ("heap.first_bitmap", 1 << 0),
        ):
            address = kernel.lockstep.kernel.inspector.types.locate(name).address
            assert peek(kernel.machine, address, 8) == bytes(8)
            stack.enter_context(poked(kernel, address, value.to_bytes(8, "little")))
        assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (node,))
    kernel.values(HeapCheck())


@pytest.mark.parametrize("other", ["heap.free[7]", "heap.free[5]", "heap.free[63]", "heap.free[2]"])
def test_a_check_finds_a_node_on_the_list_of_another_class(kernel: Kernel, other: str) -> None:
    """All bitmaps agree with the lists, and the node's own link with where it hangs."""
    [pointer] = holes(kernel, 96)
    number = int(other.partition("[")[2].rstrip("]"))
    locate = kernel.lockstep.kernel.inspector.types.locate
    to = locate(other).address
    with ExitStack() as stack:
        for address, value in (
            (locate("heap.free[6]").address, 0),
            (to, pointer - HEADER),
            (pointer + 8, to),
            (locate("heap.second_bitmap[0]").address, 1 << number),
        ):
            stack.enter_context(poked(kernel, address, value.to_bytes(8, "little")))
        assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (pointer - HEADER,))
    kernel.values(HeapCheck())


# --- panics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["alloc 80", "zalloc 80", "align 32 32", "realloc 0 80"])
@pytest.mark.parametrize("offset", [4, 12])
def test_a_smashed_free_list_head_is_a_panic(machine: Machine, command: str, offset: int) -> None:
    """A node that a list leads to: nothing that is asked for can be answered any more."""
    console = ConsoleChannel(machine.command)
    for _ in range(2):
        assert console.perform(HeapAlloc(80)).ok
    assert console.perform(HeapFree(BASE)).ok
    flip(machine, HEAP + offset, 0x01)
    with pytest.raises(Ended) as caught:
        machine.command(f"heap {command}")
    check_panic(caught.value, HEAP)


@pytest.mark.parametrize("command", ["alloc 80", "zalloc 80", "align 32 32", "realloc 0 80"])
def test_a_smashed_last_node_is_a_panic(machine: Machine, command: str) -> None:
    """From it comes what no list has."""
    last_node_panics(machine, command)


def test_a_smashed_last_node_is_a_panic_when_the_heap_grows(machine: Machine) -> None:
    last_node_panics(machine, f"alloc {2 * PAGE}")


def last_node_panics(machine: Machine, command: str) -> None:
    """Smash the last node's guard; the command must then be the kernel's last."""
    console = ConsoleChannel(machine.command)
    assert console.perform(HeapAlloc(80)).ok
    flip(machine, HEAP + 96 + 12, 0x80)
    with pytest.raises(Ended) as caught:
        machine.command(f"heap {command}")
    check_panic(caught.value, HEAP + 96)


def check_panic(ended: Ended, node: int) -> None:
    assert ended.ending is not None
    assert ended.ending.kind is EndKind.KERNEL_PANIC
    headline = ended.ending.block[0]
    said = rf"!! panic kernel/heap/\w+\.[ch]:\d+ heap: smashed header {node:#x}"
    assert re.fullmatch(said, headline), headline


@pytest.mark.parametrize("change", [-PAGE, 0x20, PAGE])
def test_heap_check_does_not_believe_where_the_heap_ends(kernel: Kernel, change: int) -> None:
    [pointer] = alloc(kernel, 3 * PAGE)
    wrong = kernel.state.heap.end + change
    end = kernel.lockstep.kernel.inspector.types.locate("heap.end").address
    with poked(kernel, end, wrong.to_bytes(8, "little")):
        assert kernel.console.perform(HeapCheck()) == Reply("corrupt", (wrong,))
    free(kernel, pointer)
