"""Accesses that may fault, made in a guest: each does what the manual says of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from ringbench.arch.x86_64.access import AccessKind, PageFault, access
from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.control import Cr0, Cr4, Efer
from ringbench.arch.x86_64.entry import NX, A, P, U, W
from ringbench.arch.x86_64.vectors import PageFaultCode, Vector
from ringbench.arch.x86_64.walk import translate
from ringbench.drive.guest_calls import GuestCalls, Probe, Raised, raised
from ringbench.drive.guest_calls.probes import program_possible
from ringbench.explain.registers import Cpu, Segment
from ringbench.machine import Machine, Pool
from ringbench.observe.processor import read_features, read_registers
from tests.bench.conftest import KernelConfigs

SLOT = 100
RIGHTS = [sum(bits) for bits in product((0, W), (0, U), (0, NX))]
TABLES = 0x200_0000
"""Physical memory that neither kernel uses."""
PAGE = TABLES + 0x40000
INT3 = b"\xcc"
REGISTERS = (
    *("$cs", "$ss", "$ds", "$es", "$fs", "$gs", "$fs_base", "$gs_base", "$k_gs_base"),
    *("$eflags", "$cr0", "$cr4", "$rsp", "$rip"),
)
BASE = 0x1234_5000


@pytest.fixture
def called(kernels: KernelConfigs, ringbench_machines: Pool) -> Iterator[Machine]:
    """A foreign kernel, for which all pages can be executed."""
    with ringbench_machines.lend(kernels("called", {"machine.guest_calls": True})) as machine:
        yield machine


def map_all(machine: Machine, root: int) -> Iterator[int]:
    """Map a page for each pair of rights of the upper levels and of the last; yield addresses.

    Of entries that are used before, the processor keeps nothing: each is used by one test alone.
    """
    memory, free = machine.memory, iter(range(TABLES, PAGE, PAGE_SIZE))

    def write(table: int, index: int, entry: int) -> int:
        memory.write(table + 8 * index, entry.to_bytes(8, "little"))
        return entry & ~0xFFF & ~NX

    memory.write(TABLES, bytes(PAGE - TABLES))
    memory.write(PAGE, INT3 * PAGE_SIZE)
    upper = write(root, SLOT, next(free) | P | W | U | A)
    known = ~0 if read_registers(machine).efer & Efer.NXE else ~NX
    for first, rights in enumerate(RIGHTS):
        directory = write(upper, first, (next(free) | P | rights) & known)
        table = write(directory, 0, next(free) | P | W | U)
        for last, leaf in enumerate(RIGHTS):
            write(table, last, (PAGE | P | leaf) & known)
            yield SLOT << 39 | first << 30 | last << 12
        yield SLOT << 39 | first << 30 | len(RIGHTS) << 12  # nothing is there


def compare_all(machine: Machine, calls: GuestCalls) -> set[str]:
    """Make every access to every page, and return which exceptions were met."""
    registers, root = read_registers(machine), calls.visit.root
    features = read_features(machine, registers)
    controls = {
        "wp": bool(registers.cr0 & Cr0.WP),
        "nxe": bool(registers.efer & Efer.NXE),
        "smep": bool(registers.cr4 & Cr4.SMEP),
        "smap": bool(registers.cr4 & Cr4.SMAP),
    }
    addresses = list(map_all(machine, root))
    probes = [
        Probe(address, kind, program)
        for address in addresses
        for program in (False, True)
        for kind in AccessKind
    ]
    results = calls.perform(probes)
    assert len(results) == len(RIGHTS) * (len(RIGHTS) + 1) * 6
    seen = set()
    for probe, result in zip(probes, results, strict=True):
        assert isinstance(probe.address, int)
        found = translate(machine.memory, root, probe.address, features)
        fault = access(found, probe.access, user=probe.program, **controls)
        met = raised(result)
        if fault is None:
            assert met is None, probe
        else:
            assert isinstance(fault, PageFault)
            assert met is not None, probe
            # A write reads first, and is refused at that if it may do neither.
            code = met.code | fault.code & PageFaultCode.W
            assert (met.vector, code) == (Vector.PF, fault.code), probe
        seen.add(str(met))
    machine.memory.write(root + 8 * SLOT, bytes(8))
    return seen


def test_of_a_kernel_without_no_execute(called: Machine) -> None:
    with GuestCalls(called) as calls:
        seen = compare_all(called, calls)
    assert {"None", "#PF(0x0)", "#PF(0x3)", "#PF(0x4)", "#PF(0x5)"} <= seen
    assert called.command("") == "ok"


@pytest.mark.ringbench(guest_calls=True)
@pytest.mark.parametrize("more", [0, Cr4.SMEP | Cr4.SMAP], ids=["without", "with"])
def test_of_a_kernel_with_and_without_smep_and_smap(machine: Machine, more: int) -> None:
    machine.gdb.interrupt()
    machine.gdb.set_register("cr4", machine.gdb.register("cr4") | more)
    with GuestCalls(machine) as calls:
        seen = compare_all(machine, calls)
    assert {"None", "#PF(0x0)", "#PF(0x10)", "#PF(0x11)", "#PF(0x15)"} <= seen
    assert ("#PF(0x1)" in seen) == bool(more)


def test_what_is_no_address_at_all(called: Machine) -> None:
    with GuestCalls(called) as calls:
        results = calls.perform(
            [Probe(1 << 63, kind, who) for kind in AccessKind for who in (False, True)]
        )
    assert [raised(result) for result in results] == [Raised(Vector.GP, 0)] * 6


def test_a_write_changes_nothing(called: Machine) -> None:
    with GuestCalls(called) as calls:
        list(map_all(called, calls.visit.root))
        page = SLOT << 39 | RIGHTS.index(W | U) << 30 | RIGHTS.index(W | U) << 12
        called.memory.write(PAGE + 5, b"\x5a")
        found = calls.perform([Probe(page + 5, AccessKind.WRITE, who) for who in (False, True)])
        assert [raised(result) for result in found] == [None, None]
        assert called.memory.read(PAGE + 5, 1) == b"\x5a"


def state(machine: Machine) -> list[str]:
    """Return what probes change for as long as they take."""
    lines = machine.qmp.hmp("info registers").splitlines()
    tables = [line for line in lines if line.startswith(("GDT", "IDT", "LDT", "TR", "EFER"))]
    return [*(machine.gdb.evaluate(each) for each in REGISTERS), *tables]


@pytest.mark.ringbench(guest_calls=True)
def test_tables_and_segments_of_the_kernel_are_put_back(machine: Machine) -> None:
    machine.gdb.interrupt()
    for base in ("fs_base", "gs_base"):
        machine.gdb.evaluate(f"${base} = {BASE:#x}")
    before = state(machine)
    assert before.count(str(BASE)) == 2
    assert len(before) == len(REGISTERS) + 5
    with GuestCalls(machine) as calls:
        whole = [Probe(0x1000, kind, who) for kind in AccessKind for who in (False, True)]
        assert [raised(result) for result in calls.perform(whole * 2)]
    assert state(machine) == before


def test_a_kernel_without_a_task_has_none_afterwards(called: Machine) -> None:
    called.gdb.interrupt()
    before = state(called)
    with GuestCalls(called) as calls:
        calls.perform([Probe(0x1000, AccessKind.READ, program=True)])
    different = set(state(called)) - set(before)
    assert different <= {"TR =0000 0000000000000000 00000000 00000000"}


def cpu(**selectors: int) -> Cpu:
    return Cpu({}, {name: Segment(selector) for name, selector in selectors.items()})


@pytest.mark.parametrize(
    ("selectors", "possible"),
    [
        ({"CS": 8, "SS": 0x10, "DS": 0x10}, True),
        ({"SS": 0, "DS": 0x13}, True),
        ({"DS": 0x18}, False),  # nothing is there any more
        ({"GS": 0x20}, False),  # a task's state
        ({"ES": 0x28}, False),  # behind the table
        ({"FS": 0x14}, False),  # of a local table
        ({"SS": 0x08}, False),  # code cannot be a stack
    ],
)
def test_a_program_is_played_where_segments_can_be_loaded_again(
    selectors: dict[str, int], possible: bool
) -> None:
    words = (0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF, 0, 0x0000890000000067)
    gdt = b"".join(word.to_bytes(8, "little") for word in words)
    assert program_possible(cpu(**selectors), gdt) is possible
