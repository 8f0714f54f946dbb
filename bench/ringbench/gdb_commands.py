"""GDB commands for looking at an x86_64 guest's page tables: `source` this in GDB.

`ringbench debug` and `make debug` do.

    rb-translate ADDRESS [ROOT]   the walk of one virtual address, level by level
    rb-pages [ROOT]               every mapped range with effective permissions and page size
    rb-control                    the control registers by bit name, and the paging mode

The walker is the bench's own (`ringbench.arch.x86_64`): what is seen here is what the tests see.
Tables are read as physical memory, which QEMU's stub offers as a mode of its own, so that they
can be read under any root and before paging is on. Physical addresses that are no memory read
as zero in that mode.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ringbench.arch.x86_64.address import ADDRESS_MASK
from ringbench.arch.x86_64.control import Cr0, Cr4, Efer, PagingMode, paging_mode
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.plain_scan import merge, scan
from ringbench.arch.x86_64.records import Leaf, Problem, RecursiveSlot
from ringbench.arch.x86_64.walk import translate


class StubMemory:
    """Physical memory through GDB's connection; good only inside `physical_memory`."""

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes from physical address `paddr`."""
        return bytes(gdb.selected_inferior().read_memory(paddr, length))


@contextmanager
def physical_memory() -> Iterator[PhysicalMemory]:
    """Switch QEMU's stub to physical addresses for the time of the block."""
    _set_physical(True)
    try:
        yield StubMemory()
    finally:
        _set_physical(False)


def _set_physical(on: bool) -> None:
    reply = gdb.execute(f"maintenance packet Qqemu.PhyMemMode:{on:d}", to_string=True)
    if '"OK"' not in reply:
        raise gdb.GdbError(f"QEMU's stub does not offer physical memory: {reply.strip()}")


def number(expression: str) -> int:
    """Evaluate an expression of the debugged program as an unsigned 64-bit number."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long long)({expression})")) & ADDRESS_MASK
    except gdb.error as error:
        raise gdb.GdbError(f"{expression}: {error}") from None


def mode_now() -> PagingMode:
    """Return the paging mode of the processor that GDB has selected."""
    return paging_mode(number("$cr0"), number("$cr4"), number("$efer"))


def root_or_cr3(arguments: list[str]) -> tuple[int, Features]:
    """Return the root that the last argument names, or the current one, and what reads it.

    A root has as many levels as the processor uses now, or 4 if it uses none of 64-bit mode's.
    """
    levels = mode_now().levels
    features = ANY if levels is None else Features(levels=levels)
    if arguments:
        return number(arguments[0]), features
    if levels is None:
        raise gdb.GdbError(
            f"{mode_now()} is not read here: 4-level paging is off now; name a root: the PML4's "
            "physical address"
        )
    return number("$cr3"), features


def words(text: str, least: int, most: int, usage: str) -> list[str]:
    """Split a command's arguments, each an expression (quote one that has spaces in it)."""
    arguments = gdb.string_to_argv(text)
    if not least <= len(arguments) <= most:
        raise gdb.GdbError(f"usage: {usage}")
    return arguments


class Translate(gdb.Command):
    """Walk the page tables for one virtual address, level by level.

    Usage: rb-translate ADDRESS [ROOT]
    ROOT is the physical address of a root table, or a CR3 value; the current CR3 if left out.
    """

    def __init__(self) -> None:
        super().__init__("rb-translate", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Print one line a level, then the physical address or why there is none."""
        address, *root = words(argument, 1, 2, "rb-translate ADDRESS [ROOT]")
        vaddr, (cr3, features) = number(address), root_or_cr3(root)
        with physical_memory() as memory:
            walk = translate(memory, cr3, vaddr, features)
        for step in walk.steps:
            print(step)
        if walk.leaf is None or walk.paddr is None:
            print(f"{vaddr:#x}: {walk.reason}")
        else:
            leaf = walk.leaf
            print(
                f"{vaddr:#x} -> {walk.paddr:#x}  {leaf.permissions} {leaf.cache} "
                f"page of {leaf.size:#x}"
            )


class Pages(gdb.Command):
    """List every mapped range: virtual, physical, length, page size, permissions, cache mode.

    Usage: rb-pages [ROOT]
    ROOT is the physical address of a root table, or a CR3 value; the current CR3 if left out.
    """

    def __init__(self) -> None:
        super().__init__("rb-pages", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Print one line a range, then what could not be followed."""
        cr3, features = root_or_cr3(words(argument, 0, 1, "rb-pages [ROOT]"))
        with physical_memory() as memory:
            records = list(scan(memory, cr3, features, fold=True))
        for each in merge(record for record in records if isinstance(record, Leaf)):
            print(
                f"{each.vaddr:#018x} -> {each.paddr:#014x}  length {each.length:#12x}  "
                f"pages of {each.page_size:#10x}  {each.permissions} {each.cache}"
            )
        for record in records:
            if isinstance(record, RecursiveSlot):
                print(f"{record} {record.permissions}")
        for record in records:
            if isinstance(record, Problem):
                print(f"problem: {record}")


class Control(gdb.Command):
    """Show CR0, CR2, CR3, CR4 and EFER, flags by name, and the paging mode.

    Usage: rb-control
    """

    def __init__(self) -> None:
        super().__init__("rb-control", gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Print one line a register."""
        words(argument, 0, 0, "rb-control")
        cr0, cr4, efer = Cr0(number("$cr0")), Cr4(number("$cr4")), Efer(number("$efer"))
        print(f"cr0  {int(cr0):#x} {cr0}")
        print(f"cr2  {number('$cr2'):#x}")
        print(f"cr3  {number('$cr3'):#x}")
        print(f"cr4  {int(cr4):#x} {cr4}")
        print(f"efer {int(efer):#x} {efer}")
        mode = paging_mode(cr0, cr4, efer)
        off = "" if mode.levels else "; 4-level paging is off"
        print(f"{mode} is on{off}" if mode is not PagingMode.NONE else "4-level paging is off")


Translate()
Pages()
Control()
