"""A running kernel's memory is changed from outside: the bench says what, exactly, and whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ringbench.arch.x86_64.address import ENTRY_SIZE, INDEX_MASK, OFFSET_MASK, PAGE_SIZE
from ringbench.arch.x86_64.entry import NX, W
from ringbench.arch.x86_64.walk import translate
from ringbench.check.mismatch import Mismatch
from ringbench.debuginfo.dwarf import Types
from ringbench.engine.lockstep import Diverged
from ringbench.machine import Machine
from ringbench.subjects.reference.check.boot import expected_map, image_segments
from ringbench.subjects.reference.check.compare import compare
from ringbench.subjects.reference.check.invariants import broken_invariants, check_invariants
from ringbench.subjects.reference.drive.console import ConsoleChannel
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.model.kernel import boot, perform
from ringbench.subjects.reference.model.state import KernelState, Sizes
from ringbench.subjects.reference.observe.picture import Picture, take_from
from ringbench.subjects.reference.vocabulary.flags import USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc, HeapFree
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAlloc

OPERATIONS: tuple[Operation, ...] = (
    TaskNew(),
    VmAlloc("t1", 0x3000, "anonymous", WRITE | USER),
    VmAlloc("t1", 0x2000, "guard", 0),
    HeapAlloc(100),
    HeapAlloc(200),
    HeapAlloc(300),
    PmmAlloc(2),
)


@dataclass(slots=True)
class Subject:
    """A machine after some operations, and what the model says of it."""

    machine: Machine
    types: Types
    state: KernelState

    def picture(self) -> Picture:
        return take_from(self.machine, self.types)

    def mismatches(self) -> list[Mismatch]:
        layers = compare(self.picture(), self.state)
        return [mismatch for layer in layers for mismatch in layer.mismatches]

    def paddr_of(self, vaddr: int, root: int | None = None) -> int:
        with self.machine.stopped():
            place = translate(self.machine.memory, root or self.state.kernel_root, vaddr)
        assert place.paddr is not None
        return place.paddr

    def entry_of(self, root: int, vaddr: int) -> int:
        """Physical address of the leaf entry that maps a page."""
        with self.machine.stopped():
            return translate(self.machine.memory, root, vaddr).steps[-1].entry_paddr

    def read(self, paddr: int, size: int = 8) -> int:
        return int.from_bytes(self.machine.memory.read(paddr, size), "little")

    def write(self, paddr: int, value: int, size: int = 8) -> None:
        with self.machine.stopped():
            self.machine.memory.write(paddr, value.to_bytes(size, "little"))


@pytest.fixture
def subject(machine: Machine) -> Subject:
    elf = machine.config.kernel.elf
    types = Types.load(elf)
    picture = take_from(machine, types)
    with machine.stopped():
        memory_map = expected_map(machine.memory, picture, elf)
    sizes = Sizes(task=types.struct("struct task").size)
    made = Subject(machine, types, boot(memory_map, image_segments(elf), picture.features, sizes))
    assert made.mismatches() == []
    channel = ConsoleChannel(machine.command)
    for operation in OPERATIONS:
        made.state, expected = perform(made.state, operation)
        assert channel.perform(operation) == expected
    assert made.mismatches() == []
    assert check_invariants(made.picture()) == []
    return made


def test_a_page_table_entry(subject: Subject) -> None:
    root = subject.state.spaces["t1"].root
    entry = subject.entry_of(root, 0x11000)
    frame = subject.paddr_of(0x11000, root)
    subject.write(entry, subject.read(entry) & ~W)
    table, slot = entry & ~OFFSET_MASK, (entry & OFFSET_MASK) // ENTRY_SIZE
    assert subject.mismatches() == [
        Mismatch(
            "paging",
            "page-table entry",
            f"P|W|U|NX {frame:#x}",
            f"P|U|NX {frame:#x}",
            f"t1: PT {table:#x} entry {slot} (for 0x11000)",
        )
    ]
    # By itself the kernel may be right: a page that was shared is mapped so, until it is written.
    assert broken_invariants(subject.picture()) == set()


def test_text_that_becomes_writable(subject: Subject) -> None:
    text = subject.types.symbols.address("image_text_start")
    entry = subject.entry_of(subject.state.kernel_root, text)
    subject.write(entry, subject.read(entry) | W)
    (mismatch,) = subject.mismatches()
    assert (mismatch.expected[:3], mismatch.seen[:5]) == ("P|G", "P|W|G")
    assert mismatch.where.endswith(f"(for {text:#x})")
    (broken,) = check_invariants(subject.picture())
    assert broken.what == "permissions"
    assert broken.where.startswith(f"kernel: {text:#x} ")


def test_a_used_frame_that_becomes_free(subject: Subject) -> None:
    """Its owner is named, and the allocator as the other one."""
    frame = subject.paddr_of(0x12000, subject.state.spaces["t1"].root) >> 12
    bits = subject.picture().pmm.metadata_base  # free_bits lie first
    word = bits + frame // 64 * 8
    subject.write(word, subject.read(word) | 1 << frame % 64)
    place = f"physical {frame << 12:#x}..{(frame + 1) << 12:#x}"
    assert Mismatch("pmm", "frame", "used", "free", place) in subject.mismatches()
    picture = subject.picture()
    assert {"every_frame_has_one_owner", "counts_match_bits"} <= broken_invariants(picture)
    owned = Mismatch(
        "machine",
        "frame ownership",
        "one owner",
        "anonymous region 0x10000 of t1 and free",
        place,
    )
    assert owned in check_invariants(picture)


def test_a_free_frame_that_is_lost(subject: Subject) -> None:
    pmm = subject.picture().pmm
    frame = pmm.free_bits.bit_length() - 1
    word = pmm.metadata_base + frame // 64 * 8
    subject.write(word, subject.read(word) & ~(1 << frame % 64))
    place = f"physical {frame << 12:#x}..{(frame + 1) << 12:#x}"
    assert Mismatch("pmm", "frame", "free", "used", place) in subject.mismatches()
    lost = Mismatch("machine", "frame ownership", "one owner", "no owner", place)
    assert lost in check_invariants(subject.picture())


def test_a_heap_header(subject: Subject) -> None:
    node = sorted(subject.state.heap.nodes)[2]
    subject.write(subject.paddr_of(node), 2, 4)  # its link to the node before: 16 bytes
    (mismatch,) = subject.mismatches()
    assert (mismatch.layer, mismatch.where) == ("heap", f"node {node:#x}")
    assert mismatch.seen.endswith(f"previous {node - 16:#x}, guard wrong")
    assert broken_invariants(subject.picture()) == {"nodes_tile_the_heap", "headers_are_intact"}
    reply = subject.machine.command("heap check")
    assert reply.startswith(f"err corrupt {node:#x}")


def test_a_heap_size_that_cannot_be(subject: Subject) -> None:
    node = sorted(subject.state.heap.nodes)[1]
    subject.write(subject.paddr_of(node + 4), 0xFFFF_FFFF, 4)  # its tag
    found = subject.mismatches()
    where = f"node {node:#x}"
    broken = Mismatch("heap", "structure", "can be followed", "size 0x7fffffff0 cannot be", where)
    assert broken in found


def test_a_free_list_that_loops(subject: Subject) -> None:
    """Nothing hangs."""
    channel = ConsoleChannel(subject.machine.command)
    nodes = sorted(subject.state.heap.nodes)
    operation = HeapFree(nodes[1] + 16)
    subject.state, expected = perform(subject.state, operation)
    assert channel.perform(operation) == expected
    assert subject.mismatches() == []
    subject.write(subject.paddr_of(nodes[1] + 16), nodes[1])
    seen = {mismatch.seen for mismatch in subject.mismatches()}
    assert f"it returns to {nodes[1]:#x}" in seen


def test_a_region_record(subject: Subject) -> None:
    region = subject.state.spaces["t1"].regions[0]
    subject.write(subject.paddr_of(region.record) + 8, 0x2000)  # its length, a page less
    (mismatch,) = subject.mismatches()
    assert (mismatch.layer, mismatch.what, mismatch.where) == ("vmm", "region", "t1: region 0")
    assert broken_invariants(subject.picture()) == {
        "mapped_pages_are_in_regions",
        "every_frame_has_one_owner",
        "allocated_frames_are_owned",
    }


def test_a_page_in_a_guard(subject: Subject) -> None:
    root = subject.state.spaces["t1"].root
    guard = subject.state.spaces["t1"].regions[1]
    entry = subject.entry_of(root, 0x10000) + (guard.base - 0x10000) // PAGE_SIZE * ENTRY_SIZE
    subject.write(entry, 0xFEE00000 | 1 | NX)
    (mismatch,) = subject.mismatches()
    assert (mismatch.layer, mismatch.expected, mismatch.seen) == ("paging", "0", "P|NX 0xfee00000")
    assert broken_invariants(subject.picture()) == {"guards_map_nothing"}


def test_a_kernel_half_that_is_gone(machine: Machine) -> None:
    """Not even the kernel's variables can be read; its page tables are compared all the same."""
    lockstep = ReferenceLockstep(ReferenceKernel(machine))
    root = lockstep.state.kernel_root
    with machine.stopped():
        before = machine.memory.read(root + INDEX_MASK * ENTRY_SIZE, 8)
        machine.memory.write(root + INDEX_MASK * ENTRY_SIZE, bytes(8))
        with pytest.raises(Diverged, match="cannot read virtual address"):
            lockstep.glance("without its image")
        machine.memory.write(root + INDEX_MASK * ENTRY_SIZE, before)
    table = int.from_bytes(before, "little") & ~0xFFF
    what, entry, *tables = lockstep.mismatches
    assert (what.layer, what.what) == ("paging", "kernel's variables")
    assert (entry.layer, entry.what, entry.seen) == ("paging", "page-table entry", "0")
    assert entry.where.startswith(f"kernel: PML4 {root:#x} entry 511 (for 0xffffff8000000000), ")
    assert any(each.where.startswith(f"table {table:#x}") for each in tables)


SPOILED_GLOBALS: dict[str, Callable[[int], int]] = {
    "pmm.free_count": lambda value: value - 1,
    "kernel_space.region_count": lambda value: value + 1,
    "heap.first_bitmap": lambda value: value ^ 1 << 20,
    "current_task": lambda value: value + 8,
    "console.lent_base": lambda value: value + 4096,
}


def test_globals_through_the_debugger(subject: Subject) -> None:
    """The other way in: GDB writes, the mapped memory shows it."""
    gdb = subject.machine.gdb
    for path, spoil in SPOILED_GLOBALS.items():
        found = subject.types.locate(path)
        before = gdb.read_memory(found.address, found.type.size)
        spoiled = spoil(int.from_bytes(before, "little"))
        gdb.write_memory(found.address, spoiled.to_bytes(found.type.size, "little"))
        assert subject.mismatches() != [], path
        gdb.write_memory(found.address, before)
        assert subject.mismatches() == [], path
