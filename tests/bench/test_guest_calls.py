"""Functions of a foreign kernel, called in batches: those of `tests/kernels/called`."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from ringbench.debuginfo.symbols import Symbols
from ringbench.drive.guest_calls import (
    SKIPPED,
    Call,
    Check,
    Fill,
    GuestCalls,
    Load,
    Result,
    Step,
    Store,
    function_address,
)
from ringbench.drive.guest_calls.layout import MOST_STEPS
from ringbench.errors import ImageError, MachineError
from ringbench.machine import EndKind, Machine, Pool
from tests.bench.conftest import KernelConfigs

BLOCK = 64
STACK = 4096
ALL_ONES = 2**64 - 1


@pytest.fixture
def called(kernels: KernelConfigs, ringbench_machines: Pool) -> Iterator[Machine]:
    """The foreign kernel at its prompt, asleep in HLT."""
    config = kernels("called", {"machine.guest_calls": True})
    with ringbench_machines.lend(config) as machine:
        yield machine


def address(machine: Machine, name: str) -> int:
    return _address(machine.config.kernel.elf, name)


_address = functools.cache(function_address)


def call(machine: Machine, name: str, *arguments: int | Result, none: tuple[int, ...] = ()) -> Call:
    return Call(address(machine, name), arguments, none)


def variable(machine: Machine, name: str) -> int:
    return Symbols.load(machine.config.kernel.elf).address(name)


# -- what steps do ---------------------------------------------------------------------------------


def test_six_arguments_come_in_order(called: Machine) -> None:
    with GuestCalls(called) as calls:
        assert calls.perform([call(called, "sum", 1, 2, 3, 4, 5, 6)]) == [654321]
        assert calls.perform([call(called, "same_word", -1)]) == [ALL_ONES]
        assert calls.perform([]) == []
    assert called.command("") == "ok"


def test_a_step_uses_what_an_earlier_one_returned(called: Machine) -> None:
    with GuestCalls(called) as calls:
        first, second, back, word, other = calls.perform(
            [
                call(called, "take"),
                call(called, "take"),
                call(called, "give_back", Result(0)),
                call(called, "same_word", Result(1, -BLOCK)),
                call(called, "sum", Result(2), 0, 0, Result(2, 7)),
            ]
        )
        assert second == first + BLOCK
        assert (back, word, other) == (0, first, 7000)
        assert calls.perform([Load(variable(called, "used_blocks"))]) == [1]


def test_what_needs_a_result_that_failed_is_skipped(called: Machine) -> None:
    with GuestCalls(called) as calls:
        steps: list[Step] = [
            call(called, "same_word", 0, none=(0,)),
            Fill(Result(0), 8, 1),
            call(called, "same_word", Result(1)),
            call(called, "same_word", 5, none=(0, 5)),
            Store(Result(3), 1),
            call(called, "same_word", 6, none=(0, 5)),
            call(called, "same_word", Result(5)),
            call(called, "same_word", 0),
            call(called, "same_word", Result(7)),
        ]
        assert calls.perform(steps) == [0, SKIPPED, SKIPPED, 5, SKIPPED, 6, 6, 0, 0]


def test_bytes_are_filled_and_checked(called: Machine) -> None:
    with GuestCalls(called) as calls:
        [block] = calls.perform([call(called, "take")])
        for offset, length in [(0, 0), (0, 64), (0, 61), (3, 7), (5, 32), (9, 1)]:
            end = offset + length
            found = calls.perform(
                [
                    Fill(block, 3 * BLOCK, 0x11),
                    Fill(block + offset, length, 0x22),
                    Check(block, offset, 0x11),
                    Check(block + offset, length, 0x22),
                    Check(block + offset, length + 20, 0x22),
                    Check(block + end, 3 * BLOCK - end, 0x11),
                ]
            )
            assert found == [3 * BLOCK, length, offset, length, length, 3 * BLOCK - end]


def test_the_first_byte_that_is_another_is_found_wherever_it_is(called: Machine) -> None:
    length = 61
    with GuestCalls(called) as calls:
        [block] = calls.perform([call(called, "take")])
        for at in range(length):
            other = Fill(block + at, 1, 8)
            found = calls.perform([Fill(block, length, 7), other, Check(block, length, 7)])
            assert found == [length, 1, at]


def test_words_are_stored_and_loaded(called: Machine) -> None:
    with GuestCalls(called) as calls:
        found = calls.perform(
            [call(called, "take"), Store(Result(0, 8), Result(0)), Load(Result(0, 8))]
        )
        assert found[1:] == [0, found[0]]


def test_a_batch_can_be_long(called: Machine) -> None:
    with GuestCalls(called) as calls:
        function = address(called, "same_word")
        steps = [Call(function, (number,)) for number in range(MOST_STEPS)]
        assert calls.perform(steps) == list(range(MOST_STEPS))
        with pytest.raises(ValueError, match="a batch has at most"):
            calls.perform([*steps, *steps])
        assert calls.perform(steps[:3]) == [0, 1, 2]


def test_a_function_may_print_much(called: Machine) -> None:
    with GuestCalls(called) as calls:
        calls.perform([call(called, "talk", 200)])
    assert called.command("") == "ok"


# -- where calls are made, and what is left --------------------------------------------------------


def test_the_stack_is_the_kernels_own(called: Machine) -> None:
    with GuestCalls(called) as calls:
        [pointer, _] = calls.perform([call(called, "stack_pointer"), call(called, "deep", 5)])
    top = variable(called, "stack_top")
    assert top - STACK < pointer < top


def test_no_more_of_the_stack_is_needed_than_by_a_call_of_gdb(called: Machine) -> None:
    by_gdb = called.gdb.call("stack_pointer")
    with GuestCalls(called) as calls:
        [pointer] = calls.perform([call(called, "stack_pointer")])
    assert pointer >= by_gdb - 64


def test_interrupts_are_off_even_where_a_function_lets_them_in(called: Machine) -> None:
    tells = call(called, "tells_interrupts")
    with GuestCalls(called) as calls:
        found = calls.perform([tells, call(called, "lets_interrupts_in"), tells])
    assert found == [0, 1, 0]


def test_interrupts_are_on_if_the_kernel_needs_them(called: Machine) -> None:
    called.command("clock")
    steps = [call(called, "only_with_interrupts"), call(called, "waits_for_ticks", 3)]
    with GuestCalls(called, interrupts=True) as calls:
        found = calls.perform(steps)
        assert found[0] == 1
        assert found[1] >= 3
    assert called.command("") == "ok"


def test_calls_are_made_from_a_function_of_choice(called: Machine) -> None:
    idle = address(called, "idle")
    called.gdb.interrupt()
    with GuestCalls(called, at=idle) as calls:
        assert calls.perform([call(called, "same_word", 3)]) == [3]
    assert called.gdb.register("rip") == idle
    called.gdb.continue_()
    assert called.command("") == "ok"


def everything(machine: Machine) -> NDArray[np.uint64]:
    """Return every word of the guest's RAM, which begins at 0 and is one piece."""
    [(base, view)] = machine.memory.views()
    assert base == 0
    return np.frombuffer(view, np.uint64).copy()


def test_memory_and_registers_are_put_back(called: Machine) -> None:
    """But for what functions do, and where they keep it meanwhile: below the stack pointer."""
    gdb = called.gdb
    gdb.interrupt()
    gdb.break_(f"*{address(called, 'idle'):#x}", hardware=True, temporary=True)
    gdb.continue_()
    called.serial.nudge()
    gdb.wait_stop()
    vectors = [f"$xmm{number}.v2_int64[{half}]" for number in range(16) for half in (0, 1)]
    gdb.evaluate("$xmm7.v2_int64[0] = 77")
    with GuestCalls(called, at=address(called, "idle")) as calls:
        slot = calls.visit.window.slot
        inside = everything(called)
        calls.perform([call(called, "spoil"), call(called, "same_word", 1)])
        registers = calls.visit.saved
    after = everything(called)
    assert {name: gdb.register(name) for name in registers} == dict(registers)
    assert [gdb.evaluate(each) for each in vectors][14] == "77"
    different = {8 * int(word) for word in np.flatnonzero(after != inside)}
    entry = (gdb.register("cr3") & ~0xFFF) + 8 * slot
    assert different >= {entry}
    assert after[entry // 8] == 0
    stack = registers["rsp"] - 0xFFFF_FFFF_8000_0000
    assert all(stack - 256 <= each < stack for each in different - {entry})


def test_vector_registers_are_put_back_where_xsave_is_what_saves_them(called: Machine) -> None:
    called.command("xsave")
    called.gdb.interrupt()
    called.gdb.evaluate("$xmm7.v2_int64[1] = 78")
    with GuestCalls(called) as calls:
        calls.perform([call(called, "spoil")])
        called.gdb.interrupt()
        assert called.gdb.evaluate("$xmm7.v2_int64[1]") == "-1"
        called.gdb.continue_()
    assert called.gdb.evaluate("$xmm7.v2_int64[1]") == "78"


def test_afterwards_the_kernel_cannot_reach_the_benchs_memory(called: Machine) -> None:
    called.gdb.interrupt()  # so that it is awake afterwards
    with GuestCalls(called) as calls:
        base = calls.visit.window.base
        calls.perform([call(called, "read_word", base)])
    called.gdb.set_register("rdi", base)
    called.gdb.set_register("rip", address(called, "read_word"))
    called.gdb.continue_()
    ending = called.wait_end(10)
    assert ending.kind is EndKind.EXCEPTION


def test_a_function_that_breaks_the_calling_convention_does_no_harm(called: Machine) -> None:
    with GuestCalls(called) as calls:
        found = calls.perform([call(called, "spoil"), call(called, "sum", 1, 1, 1, 1, 1, 1)])
    assert found == [7, 111111]
    assert called.command("") == "ok"


def test_a_stopped_guest_stays_stopped_and_one_that_ran_runs(called: Machine) -> None:
    with GuestCalls(called) as calls:
        calls.perform([call(called, "same_word", 1)])
    assert called.running
    called.gdb.interrupt()
    with GuestCalls(called) as calls:
        calls.perform([call(called, "same_word", 1)])
    assert not called.running


def test_an_exception_of_the_callers_leaves_the_kernel_well(called: Machine) -> None:
    with pytest.raises(ValueError, match="at most 6"), GuestCalls(called) as calls:
        calls.perform([call(called, "take", *range(7))])
    assert called.command("") == "ok"
    with pytest.raises(MachineError, match="within the block alone"):
        calls.perform([call(called, "take")])


def test_meanwhile_nothing_else_can_be_done(called: Machine) -> None:
    with GuestCalls(called) as calls:
        with pytest.raises(MachineError, match="cannot perform 'clock': its functions are being"):
            called.command("clock")
        with pytest.raises(MachineError, match="called already"), GuestCalls(called):
            pytest.fail("it is said to be at rest")
        assert calls.perform([call(called, "same_word", 1)]) == [1]
    assert called.command("") == "ok"


def test_calls_go_on_in_a_machine_that_is_put_back(called: Machine) -> None:
    with GuestCalls(called) as calls:
        [first] = calls.perform([call(called, "take")])
        called.detach_gdb()
        frozen = called.freeze()
        assert calls.perform([call(called, "take")]) == [first + BLOCK]
        for ending in ("spins", "panics", "breaks_everything"):
            with pytest.raises(MachineError):
                calls.perform([call(called, ending)], seconds=0.5)
            calls.restore(frozen)
            assert calls.perform([call(called, "take")]) == [first + BLOCK]
    assert called.command("") == "ok"


def test_a_kernel_without_interrupts_that_polls(
    kernels: KernelConfigs, ringbench_machines: Pool
) -> None:
    with ringbench_machines.lend(kernels("echo", {"machine.guest_calls": True})) as echo:
        with GuestCalls(echo) as calls:
            found = calls.perform([call(echo, "add", 2, 3), call(echo, "high_pointer", 8)])
        assert found == [5, 0xFFFF_8000_0000_0008]
        assert echo.command("here") == "said here"


def test_a_kernel_that_waits_for_nothing(called: Machine) -> None:
    """It sleeps with interrupts off, is called, and sleeps again."""
    called.command("over")
    with GuestCalls(called) as calls:
        assert calls.perform([call(called, "sum", 1, 2, 3)]) == [321]
    ending = called.wait_end(10)
    assert ending.kind is EndKind.HALTED
    called.gdb.interrupt()
    assert called.names.place(called.gdb.register("rip")).symbol.startswith("stop")


# -- where they cannot be made ---------------------------------------------------------------------


def test_a_machine_has_to_be_started_for_it(
    kernels: KernelConfigs, ringbench_machines: Pool
) -> None:
    wanted = pytest.raises(MachineError, match=r"set machine\.guest_calls = true")
    with ringbench_machines.lend(kernels("called")) as machine, wanted:
        GuestCalls(machine)


def test_names_that_are_no_functions(called: Machine) -> None:
    with pytest.raises(ImageError, match=r"no function 'taek'; near it are .*\btake\b"):
        address(called, "taek")
    with pytest.raises(ImageError, match=r"'ticks', at 0x[0-9a-f]+, is no function"):
        address(called, "ticks")


def test_a_kernel_with_no_room_in_its_root_table(called: Machine) -> None:
    called.command("full")
    wanted = pytest.raises(MachineError, match="root table has no entry free")
    with wanted, GuestCalls(called):
        pytest.fail("it is said to wait for calls")
    assert called.command("") == "ok"


def test_a_kernel_that_nothing_wakes(kernels: KernelConfigs, ringbench_machines: Pool) -> None:
    without = {"machine.arguments": ["-machine", "smm=off"], "deadlines.reply": 1.0}
    config = kernels("called", {"machine.guest_calls": True, **without})
    with ringbench_machines.lend(config) as machine:
        with GuestCalls(machine) as calls:  # a character that is typed still does
            assert calls.perform([call(machine, "same_word", 1)]) == [1]
        assert machine.command("deaf") == "ok"
        complaint = r"sleeps in HLT at idle\+.*called\.c:\d+.*say with `at`"
        with pytest.raises(MachineError, match=complaint), GuestCalls(machine):
            pytest.fail("it is said to wait for calls")
        assert machine.running


def test_a_function_that_the_kernel_does_not_come_to(
    kernels: KernelConfigs, ringbench_machines: Pool
) -> None:
    config = kernels("called", {"machine.guest_calls": True, "deadlines.reply": 1.0})
    with ringbench_machines.lend(config) as machine:
        at = address(machine, "take")
        wanted = pytest.raises(MachineError, match=r"at take.*did not come there within 1 s")
        with wanted, GuestCalls(machine, at=at):
            pytest.fail("it is said to be there")
        assert machine.command("") == "ok"


def test_another_processor_that_runs(kernels: KernelConfigs, ringbench_machines: Pool) -> None:
    config = kernels("called", {"machine.guest_calls": True, "machine.arguments": ["-smp", "2"]})
    with ringbench_machines.lend(config) as machine:
        with GuestCalls(machine) as calls:  # the other one has not been started
            assert calls.perform([call(machine, "same_word", 1)]) == [1]
        machine.command("second")
        wanted = pytest.raises(MachineError, match=r"processor 1 runs as well, at 0x8000")
        with wanted, GuestCalls(machine):
            pytest.fail("it is said to be alone")
