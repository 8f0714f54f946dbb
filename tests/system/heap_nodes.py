"""What the tests of the heap share: nodes by their sizes, the kernel's list of them, payloads."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Final

from ringbench.arch.x86_64.walk import translate
from ringbench.machine import Machine
from ringbench.observe.processor import read_registers
from ringbench.subjects.reference.model.heap import written
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc, HeapFree, HeapInfo
from tests.system.layout import HEAP, PAGE

if TYPE_CHECKING:
    from tests.system.conftest import Kernel

HEADER: Final = 16
BASE: Final = HEAP + HEADER
"""Payload of the first node."""

ALLOC_MAX: Final = 1 << 30
ALIGN_MAX: Final = 2 << 20
USED: Final = True
FREE: Final = False


def alloc(kernel: Kernel, *node_sizes: int) -> list[int]:
    """Allocate nodes of these sizes, headers included; their payloads."""
    return [kernel.value(HeapAlloc(size - HEADER)) for size in node_sizes]


def free(kernel: Kernel, *pointers: int) -> None:
    for pointer in pointers:
        kernel.values(HeapFree(pointer))


def nodes(kernel: Kernel) -> list[tuple[int, int, bool]]:
    """The kernel's list of nodes: offset from the heap's base, bytes, in use."""
    *lines, last = kernel.machine.command("heap list").splitlines()
    assert last == f"ok {len(lines)}"
    words = [line.split() for line in lines]
    return [(int(at, 16) - HEAP, int(size, 16), state == "used") for at, size, state in words]


def end(kernel: Kernel) -> int:
    """Bytes that the heap has in all, as the kernel says."""
    return int(kernel.values(HeapInfo())[0]) - HEAP


def clear(kernel: Kernel) -> None:
    """Free whatever is in use: the heap is empty."""
    free(kernel, *(HEAP + at + HEADER for at, _, used in nodes(kernel) if used))
    assert end(kernel) == 0


def fill_up(kernel: Kernel) -> None:
    """Allocate all that the last node can give."""
    _, size, _ = nodes(kernel)[-1]
    if size > HEADER:
        alloc(kernel, size - HEADER)
    assert nodes(kernel)[-1][1:] == (HEADER, FREE)


def holes(kernel: Kernel, *node_sizes: int) -> list[int]:
    """Free nodes of these sizes, none beside another, the first freed first; their payloads.

    The heap has nothing else to allocate from: its last node is a bare header.
    """
    pairs = [(size, 32) for size in node_sizes]
    pointers = alloc(kernel, *(size for pair in pairs for size in pair))
    fill_up(kernel)
    free(kernel, *pointers[::2])
    return pointers[::2]


def pieces(machine: Machine, vaddr: int, length: int) -> Iterator[tuple[int, int]]:
    """Where a virtual range is in physical memory, page by page: address, bytes."""
    root = read_registers(machine).cr3
    while length:
        size = min(length, PAGE - vaddr % PAGE)
        paddr = translate(machine.memory, root, vaddr).paddr
        assert paddr is not None, f"{vaddr:#x} is not mapped"
        yield paddr, size
        vaddr, length = vaddr + size, length - size


def peek(machine: Machine, vaddr: int, length: int) -> bytes:
    return b"".join(machine.memory.read(*piece) for piece in pieces(machine, vaddr, length))


def poke(machine: Machine, vaddr: int, data: bytes) -> None:
    done = 0
    for paddr, size in pieces(machine, vaddr, len(data)):
        machine.memory.write(paddr, data[done : done + size])
        done += size


def fill(kernel: Kernel, pointer: int, length: int) -> bytes:
    """Fill a payload with bytes that are nowhere else, and tell the model; the bytes."""
    data = Random(pointer).randbytes(length)
    poke(kernel.machine, pointer, data)
    kernel.lockstep.state = written(kernel.lockstep.state, pointer, length)
    return data
