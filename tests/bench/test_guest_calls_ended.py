"""Calls that do not return: what the kernel did instead is known, and where."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringbench.drive.guest_calls import Call, Fill, GuestCalls, Result, function_address
from ringbench.errors import CallError, Ended, MachineError
from ringbench.machine import EndKind, Machine, Pool
from tests.bench.conftest import KernelConfigs

UNMAPPED = 0xFFFF_FFFF_9000_0008

ENDINGS = {
    "panics": (EndKind.KERNEL_PANIC, r"^panics\(\) ended the guest: kernel panic: .*asked for"),
    "halts": (EndKind.HALTED, r"^halts\(\) ended the guest: halted: every processor waits"),
    "deep": (EndKind.TRIPLE_FAULT, r"^deep\(0xc8\) ended.*triple.*#PF.*at deep\+.*called\.c:\d+"),
    "breaks_everything": (EndKind.TRIPLE_FAULT, r"#UD invalid opcode, at breaks_everything\+"),
    "read_word": (EndKind.EXCEPTION, r"^read_word\(0xffffffff90000008\).*#PF.*at read_word\+"),
    "goes_elsewhere": (EndKind.EXCEPTION, r"in another address space than it was called in"),
    "only_with_interrupts": (EndKind.KERNEL_PANIC, r"where the kernel wants them on: interrupts ="),
    "spins": (EndKind.HANG, r"^spins\(\) did not end within 0\.5 s: it is at spins\+.*called\.c:"),
}
ARGUMENTS = {"deep": (200,), "read_word": (UNMAPPED,)}


@pytest.fixture
def called(kernels: KernelConfigs, ringbench_machines: Pool) -> Iterator[Machine]:
    """The foreign kernel at its prompt, asleep in HLT."""
    with ringbench_machines.lend(kernels("called", {"machine.guest_calls": True})) as machine:
        yield machine


def call(machine: Machine, name: str, *arguments: int | Result) -> Call:
    return Call(function_address(machine.config.kernel.elf, name), arguments)


@pytest.mark.parametrize("name", ENDINGS)
def test_each_way_not_to_return(called: Machine, name: str) -> None:
    kind, words = ENDINGS[name]
    seconds = 0.5 if kind is EndKind.HANG else 10
    steps = [call(called, "take"), call(called, name, *ARGUMENTS.get(name, ()))]
    with GuestCalls(called) as calls:
        with pytest.raises(CallError, match=words) as failure:
            calls.perform(steps, seconds)
        with pytest.raises(MachineError, match=f"nothing can be called any more: {name}"):
            calls.perform(steps)
        root, slot = calls.visit.root, calls.visit.window.slot
    assert failure.value.step == 1
    assert failure.value.ending is not None
    assert failure.value.ending.kind is kind
    assert failure.value.explanation is not None
    assert called.memory.read(root + 8 * slot, 8) == bytes(8)


def test_words_about_interrupts_are_not_said_of_every_panic(called: Machine) -> None:
    with GuestCalls(called) as calls, pytest.raises(CallError) as failure:
        calls.perform([call(called, "panics")])
    assert "interrupts" not in str(failure.value)


def test_a_step_that_is_no_call_can_fault_as_well(called: Machine) -> None:
    with GuestCalls(called) as calls, pytest.raises(CallError) as failure:
        calls.perform([call(called, "take"), Fill(Result(0), 8, 1), Fill(UNMAPPED, 4, 7)])
    assert failure.value.step == 2
    assert str(failure.value).startswith(f"Fill(address={UNMAPPED}, length=4, byte=7) ended the")
    assert failure.value.explanation is not None
    assert failure.value.explanation.fault is not None
    assert failure.value.explanation.fault.address == UNMAPPED
    assert "at guest_calls+" in str(failure.value)
    assert "no code of the kernel" not in str(failure.value.explanation)


def test_a_guest_that_hung_in_a_call_stays_where_it_is_to_be_looked_at(called: Machine) -> None:
    with GuestCalls(called) as calls, pytest.raises(CallError):
        calls.perform([call(called, "spins")], seconds=0.2)
    assert not called.running
    assert called.names.place(called.gdb.register("rip")).symbol.startswith("spins")


def test_a_breakpoint_within_a_call(called: Machine) -> None:
    with GuestCalls(called) as calls:
        called.gdb.interrupt()
        called.gdb.break_("take", hardware=True)
        called.gdb.continue_()
        with pytest.raises(
            CallError, match=r"take\(\) did not end: the guest was stopped, at take"
        ):
            calls.perform([call(called, "take")])


def test_a_guest_that_ended_before(called: Machine) -> None:
    with GuestCalls(called) as calls, pytest.raises(CallError):
        calls.perform([call(called, "panics")])
    with pytest.raises(Ended, match="kernel panic: !! panic asked for"), GuestCalls(called):
        pytest.fail("it is said to wait for calls")


def test_qemu_that_dies_within_a_call(kernels: KernelConfigs) -> None:
    config = kernels("called", {"machine.guest_calls": True})
    with Machine.start(config) as machine, GuestCalls(machine) as calls:
        machine.qmp.quit()
        with pytest.raises(CallError, match="ended the guest: QEMU died"):
            calls.perform([call(machine, "take")])
