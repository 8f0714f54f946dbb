"""Programs in user mode: how they are loaded, what they may do, and that they only end themselves.

One machine with the programs of kernel/user/ as its modules. Each test begins with no task but the
boot task and must end so, with every frame back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from elftools.elf.elffile import ELFFile

from ringbench.config import Config, Module, override
from ringbench.machine import Machine, Snapshot
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.vocabulary.flags import EXEC, USER, WRITE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAllocAt, VmProtect, VmWrite
from tests.places import ROOT

PROGRAMS: Final = ("turns", "forbidden", "pointers", "random", "calls")
TURNS, FORBIDDEN, POINTERS, RANDOM, CALLS, TEXT = range(6)
"""The modules' numbers; the last is no program."""

PAGE: Final = 4096
STACK: Final = 0x7FFF_FFFE_F000
SMEP, SMAP, UMIP = 1 << 20, 1 << 21, 1 << 11


def with_modules(config: Config) -> Config:
    modules = [Module(ROOT / f"build/user/{name}.elf") for name in PROGRAMS]
    return override(config, {"kernel.modules": [*modules, Module(ROOT / "tools/iso/module.txt")]})


@pytest.fixture(scope="module")
def frozen(ringbench_config: Config) -> Iterator[tuple[Machine, Snapshot]]:
    """One machine for all of the file, and how it was at its prompt."""
    with Machine.start(with_modules(ringbench_config)) as machine:
        assert machine.command("echo off") == "ok"
        yield machine, machine.freeze()


def facts(machine: Machine) -> tuple[str, str, str]:
    """What a test must leave as it was, and that the heap is whole."""
    return machine.command("info"), machine.command("heap info"), machine.command("heap check")


@pytest.fixture
def machine(frozen: tuple[Machine, Snapshot]) -> Iterator[Machine]:
    """That machine as after its boot; a test leaves it as it found it."""
    machine, snapshot = frozen
    machine.restore(snapshot)
    before = facts(machine)
    yield machine
    assert facts(machine) == before


def run(machine: Machine, module: int, number: int = 0) -> list[str]:
    """Have a new task run a program to its end; the lines of the reply. The task is gone then."""
    assert machine.command("task new") == "ok t1"
    empty = machine.command("pmm info")
    assert machine.command(f"program load t1 {module} {number}") == "ok"
    lines = machine.command("program run t1", 60.0).splitlines()
    assert machine.command("pmm info") == empty, "not every frame came back"
    assert machine.command("vm list t1") == "ok 0"
    assert machine.command("task delete t1") == "ok"
    return lines


def test_a_program_writes_and_exits(machine: Machine) -> None:
    assert run(machine, TURNS, 2) == [
        "  turn 0 of t1",
        "  turn 1 of t1",
        "  t1 exit 0",
        "ok exit=0",
    ]


def test_tasks_take_turns_by_yielding(machine: Machine) -> None:
    """Ascending, round, until the one that is waited for ends; the others go on the next time."""
    for task, turns in ((1, 2), (2, 3), (3, 1)):
        assert machine.command("task new") == f"ok t{task}"
        assert machine.command(f"program load t{task} {TURNS} {turns}") == "ok"
    assert machine.command("program run t2").splitlines() == [
        *("  turn 0 of t2", "  turn 0 of t3", "  turn 0 of t1"),
        *("  turn 1 of t2", "  t3 exit 0", "  turn 1 of t1"),
        *("  turn 2 of t2", "  t1 exit 0", "  t2 exit 0", "ok exit=0"),
    ]
    for task in (1, 2, 3):
        assert machine.command(f"program run t{task}").startswith("err not_found ")
        assert machine.command(f"task delete t{task}") == "ok"


FAULTS: Final = {
    0: ("page_fault", "0x5", "0xffff800000100000", "not_mapped"),
    1: ("page_fault", "0x6|0x7", "0xffffffff80100000", "not_mapped"),
    2: ("page_fault", "0x14|0x15", "0xffffffff80100000", "not_mapped"),
    3: ("page_fault", "0x7", "0x40[0-9a-f]+", "denied"),
    4: ("page_fault", "0x7", "0x40[0-9a-f]+", "denied"),
    5: ("page_fault", "0x15", "0x40[0-9a-f]+", "denied"),
    6: ("page_fault", "0x6", "0x7ffffffeefff", "guard"),
    7: ("page_fault", "0x4", "0x0", "not_mapped"),
    **dict.fromkeys(range(8, 16), ("general_protection", "0x0", "0x0", "denied")),
    16: ("general_protection", "0xe2", "0x0", "denied"),
    17: ("invalid_opcode", "0x0", "0x0", "denied"),
    18: ("divide_error", "0x0", "0x0", "denied"),
    19: ("debug", "0x0", "0x0", "denied"),
}
"""What kernel/user/forbidden.c does -> the exception, its code, the address, the cause (SDM 3A 4.7,
6.15)."""


@pytest.mark.parametrize("number", FAULTS)
def test_what_is_forbidden_ends_the_program_alone(machine: Machine, number: int) -> None:
    name, code, address, cause = FAULTS[number]
    report, reply = run(machine, FORBIDDEN, number)
    where = rf"error=({code}) rip=0x[0-9a-f]+ address={address}"
    assert re.fullmatch(rf"  t1 {name} {where}", report)
    assert re.fullmatch(rf"ok {name} {where} cause={cause}", reply)


def test_bad_pointers_are_refused_by_every_call(machine: Machine) -> None:
    assert run(machine, POINTERS) == ["  t1 exit 0", "ok exit=0"]


FOREIGN: Final = 0x3FF000
"""The page below the first segment of each program."""


@pytest.mark.parametrize("backing", ["anonymous rw", "demand rw", "physical rwu 0xfee00000"])
@pytest.mark.parametrize("address", [FOREIGN, FOREIGN - 4])
def test_what_the_console_put_into_its_space_is_not_the_programs(
    machine: Machine, backing: str, address: int
) -> None:
    """The kernel's own memory and physical memory, also behind bytes that are the program's."""
    assert machine.command("task new") == "ok t1"
    assert machine.command(f"program load t1 {POINTERS} {address:#x}") == "ok"
    assert machine.command(f"vm at t1 {FOREIGN:#x} 4096 {backing}") == "ok"
    assert machine.command(f"vm at t1 {FOREIGN - PAGE:#x} 4096 anonymous rwu") == "ok"
    assert machine.command("program run t1").splitlines()[-1] == "ok exit=0"
    assert machine.command("task delete t1") == "ok"


def test_random_system_calls_harm_nothing(machine: Machine) -> None:
    """100,000 of them: each answers sanely, and every frame is back."""
    assert run(machine, RANDOM, 1)[-1] == "ok exit=0"


def test_what_cannot_be_loaded_changes_nothing(machine: Machine) -> None:
    assert machine.command("task new") == "ok t1"
    before = machine.command("pmm info")
    for line, error in (
        (f"program load t1 {TEXT}", "err invalid no_elf"),
        ("program load t1 6", "err not_found "),
        (f"program load t2 {TURNS}", "err not_found "),
        (f"program load t0 {TURNS}", "err denied "),
        ("program run t1", "err not_found "),
        ("program run t0", "err not_found "),
        ("program run t9", "err not_found "),
    ):
        assert machine.command(line).startswith(error), line
    assert machine.command("pmm info") == before
    assert machine.command("vm alloc t1 4096 demand rwu") == "ok 0x10000"
    assert machine.command(f"program load t1 {TURNS}").startswith("err busy ")
    assert machine.command("vm free t1 0x10000") == "ok"
    assert machine.command(f"program load t1 {TURNS}") == "ok"
    assert machine.command(f"program load t1 {TURNS}").startswith("err busy ")
    assert machine.command("task delete t1") == "ok"


def test_sixteen_programs_and_no_more(machine: Machine) -> None:
    for task in range(1, 18):
        assert machine.command("task new") == f"ok t{task}"
        reply = machine.command(f"program load t{task} {POINTERS}")
        assert reply == "ok" if task <= 16 else reply.startswith("err no_space ")
    assert machine.command("task delete t3") == "ok"
    assert machine.command(f"program load t17 {POINTERS}") == "ok"
    for task in (*range(1, 3), *range(4, 18)):
        assert machine.command(f"task delete t{task}") == "ok"


def test_a_load_that_lacks_a_frame_changes_nothing(machine: Machine) -> None:
    """With each number of free frames that is too few; with one more than the last it succeeds."""
    assert machine.command("task new") == "ok t1"
    free = int(machine.command("pmm info").split()[2])
    [_, base] = machine.command(f"pmm alloc {free}").split()
    needed = 0
    while machine.command(f"program load t1 {TURNS}").startswith("err no_memory "):
        assert machine.command("pmm info").endswith(f" {needed}")
        assert machine.command("vm list t1") == "ok 0"
        assert machine.command(f"pmm free {int(base, 16) + needed * PAGE:#x}") == "ok"
        needed += 1
    assert needed == len(segments_of(TURNS)) + 1 + 3  # pages, the slab, tables below the root
    assert machine.command("task delete t1") == "ok"
    rest = free - needed
    assert machine.command(f"pmm free {int(base, 16) + needed * PAGE:#x} {rest}") == "ok"


def test_smep_and_smap_are_on_in_a_program(ringbench_config: Config) -> None:
    with (ROOT / "build/user/turns.elf").open("rb") as file:
        entry = ELFFile(file)["e_entry"]
    with Machine.start(with_modules(ringbench_config)) as machine:
        assert machine.command("task new") == "ok t1"
        assert machine.command(f"program load t1 {TURNS}") == "ok"
        with machine.stopped():
            machine.gdb.break_(f"*{entry:#x}", hardware=True, temporary=True)
        machine.begin("program run t1")
        machine.gdb.wait_stop()
        registers = machine.gdb.registers()
        machine.gdb.continue_()
        assert machine.finish().splitlines()[-1].startswith("ok exit=")
    assert registers["cs"] & 3 == 3
    assert registers["cr4"] & (SMEP | SMAP | UMIP) == SMEP | SMAP | UMIP


def test_the_kernel_protects_itself_where_the_processor_can(machine: Machine) -> None:
    """SMEP and SMAP are for when programs run: CR4 is as it was, UMIP on, at the prompt."""
    cr4 = machine.gdb.evaluate_int("$cr4")
    machine.detach_gdb()
    assert cr4 & (SMEP | SMAP | UMIP) == UMIP


def segments_of(module: int) -> list[tuple[int, int, int, bytes]]:
    """Of a program's file: each segment's address, length, page flags and bytes."""
    with (ROOT / f"build/user/{PROGRAMS[module]}.elf").open("rb") as file:
        return [
            (
                part["p_vaddr"],
                part["p_memsz"],
                (WRITE if part["p_flags"] & 2 else 0) | (EXEC if part["p_flags"] & 1 else 0) | USER,
                part.data(),
            )
            for part in ELFFile(file).iter_segments("PT_LOAD")
        ]


def as_operations(module: int) -> Iterator[Operation]:
    """What loading a program is, as operations on its task's space."""
    for address, length, flags, content in segments_of(module):
        base = address & ~0xFFF
        size = (address + length + PAGE - 1 & ~0xFFF) - base
        yield VmAllocAt("t1", base, size, "anonymous", WRITE | USER)
        for at in range(0, len(content), 64):
            yield VmWrite("t1", address + at, content[at : at + 64])
        if not flags & WRITE:
            yield VmProtect("t1", base, flags)
    yield VmAllocAt("t1", STACK - PAGE, PAGE, "guard", 0)
    yield VmAllocAt("t1", STACK, 16 * PAGE, "demand", WRITE | USER)


def test_a_loaded_program_is_its_file_to_the_letter(machine: Machine) -> None:
    """Frames, tables, rights, regions and bytes are what the model makes of the file's segments."""
    lockstep = ReferenceLockstep(ReferenceKernel(machine))
    with lockstep.kernel.channel("console") as channel:
        lockstep.step(channel, TaskNew())
        for operation in as_operations(TURNS):
            lockstep.predict(operation)  # on the model alone
        lockstep.predicted.clear()
        assert machine.command(f"program load t1 {TURNS}") == "ok"
        lockstep.look("after loading a program")
        lockstep.step(channel, TaskDelete("t1"))
        lockstep.look("after its task was deleted")


@pytest.mark.parametrize("cpu", ["max", "qemu64"])
def test_an_empty_system_call_is_cheap(ringbench_config: Config, cpu: str) -> None:
    """Instructions there and back, exact. On an old processor there is no SMEP, SMAP, UMIP."""
    arguments = [*ringbench_config.machine.arguments, "-icount", "shift=0,sleep=off"]
    changes = {"machine.arguments": arguments, "machine.cpu": cpu}
    with Machine.start(override(with_modules(ringbench_config), changes)) as machine:
        assert machine.command("task new").endswith("ok t1")
        assert machine.command(f"program load t1 {CALLS} 1000").endswith("ok")
        reply = machine.command("program run t1").splitlines()[-1]
        cost = int(reply.removeprefix("ok exit="))
        assert 40 < cost <= 150
