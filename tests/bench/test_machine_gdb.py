"""The debugger on a real guest: running and stopping, breakpoints, memory, registers, calls."""

from collections.abc import Callable, Iterator

import pytest

from ringbench.config import Config
from ringbench.errors import GdbRefused, GdbTimeout, MachineError
from ringbench.machine import Deadline, Machine

KernelConfigs = Callable[..., Config]
KERNEL_BASE = 0xFFFFFFFF80000000
DIRECT_MAP = 0xFFFF800000000000


@pytest.fixture(scope="module")
def shared(kernels: KernelConfigs) -> Iterator[Machine]:
    with Machine.start(kernels("echo")) as machine:
        yield machine


def runs(machine: Machine) -> bool:
    """Whether it does now; the type checker takes a property to stay what it was."""
    return machine.running


@pytest.fixture
def machine(shared: Machine) -> Iterator[Machine]:
    """A machine at its prompt, gdb connected and the guest stopped; the same again after."""
    _ = shared.gdb
    yield shared
    if shared.gdb.running:
        shared.gdb.interrupt()
    shared.gdb.execute("-break-delete")


def test_values_and_types(machine: Machine) -> None:
    gdb = machine.gdb
    assert gdb.evaluate("origin") == "{x = 3, y = -4}"
    assert gdb.evaluate_int("origin.y") == -4
    assert gdb.evaluate_int("MOOD_BAD") == -3
    assert gdb.evaluate_int("sizeof(struct point)") == 8
    assert gdb.evaluate_int("(unsigned long)-1") == (1 << 64) - 1
    assert gdb.evaluate_int("&counter") == gdb.symbol("counter")
    assert gdb.evaluate_int("planted[0]") == ord("k")
    for expression in ("no_such_symbol", "origin", "1 +", '"quoted"'):
        with pytest.raises(GdbRefused):
            gdb.evaluate_int(expression)


def test_calls_into_a_kernel_that_only_devices_wake(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("called")) as machine:
        machine.command("open")
        with machine.stopped():
            assert machine.gdb.call("same_word", 7) == 7
        assert runs(machine)


def test_gdb_may_be_connected_and_run_on_within_stopped(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        with machine.stopped():
            machine.gdb.continue_()
        assert runs(machine)
        with machine.stopped():
            assert not runs(machine)
            machine.gdb.continue_()
        assert runs(machine)


def test_calls_with_signed_unsigned_enum_pointer_and_void_results(machine: Machine) -> None:
    gdb = machine.gdb
    assert gdb.call("add", 3, 4) == 7
    assert gdb.call("add", (1 << 64) - 1, 0) == (1 << 64) - 1
    assert gdb.call("add", -1, 0) == (1 << 64) - 1
    assert gdb.call("mood_of", 1) == 0
    assert gdb.call("mood_of", 10) == -3
    assert gdb.call("negate", 5) == -5
    assert gdb.call("negate", -(1 << 31) + 1) == (1 << 31) - 1
    assert gdb.call("high_pointer", 0x10) == DIRECT_MAP + 0x10
    before = gdb.evaluate_int("counter")
    assert gdb.call("tick") == 0
    assert gdb.evaluate_int("counter") == before + 1


def test_a_call_leaves_the_guest_where_it_was(machine: Machine) -> None:
    gdb = machine.gdb
    before = gdb.registers()
    gdb.call("add", 1, 2)
    assert gdb.registers() == before
    assert not gdb.running


@pytest.mark.parametrize(
    ("function", "arguments"), [("absent", ()), ("add", (1,)), ("counter", ())]
)
def test_calls_that_cannot_be(machine: Machine, function: str, arguments: tuple[int, ...]) -> None:
    with pytest.raises(GdbRefused):
        machine.gdb.call(function, *arguments)


def test_arguments_beyond_64_bits(machine: Machine) -> None:
    for argument in (1 << 64, -(1 << 63) - 1):
        with pytest.raises(ValueError, match="does not fit in 64 bits"):
            machine.gdb.call("add", argument, 0)


def test_memory_through_page_tables(machine: Machine) -> None:
    gdb = machine.gdb
    planted = gdb.symbol("planted")
    assert gdb.read_memory(planted, 16) == b"known answers!!\0"
    assert machine.memory.read(planted - KERNEL_BASE, 16) == b"known answers!!\0"
    gdb.write_memory(planted + 6, b"results")
    assert gdb.read_memory(DIRECT_MAP + planted - KERNEL_BASE, 16) == b"known results!!\0"
    machine.memory.write(planted - KERNEL_BASE + 6, b"answers")
    assert gdb.read_memory(planted, 16) == b"known answers!!\0"
    assert gdb.read_memory(planted, 0) == b""


def test_memory_in_bulk_and_binary(machine: Machine) -> None:
    data = bytes(range(256)) * 600
    machine.gdb.write_memory(DIRECT_MAP + 0x200000, data)
    assert machine.gdb.read_memory(DIRECT_MAP + 0x200000, len(data)) == data
    assert machine.gdb.read_physical(0x200000, len(data)) == data
    machine.gdb.write_physical(0x200001, b"\xfe")
    assert machine.memory.read(0x200000, 3) == b"\x00\xfe\x02"


def test_unmapped_memory_is_refused_and_physical_mode_is_undone(machine: Machine) -> None:
    gdb = machine.gdb
    for _ in range(2):
        with pytest.raises(GdbRefused):
            gdb.read_memory(0x100000, 8)
        assert len(gdb.read_physical(0x100000, 8)) == 8
    with pytest.raises(GdbRefused):
        gdb.write_memory(0x100000, b"x")
    with pytest.raises(GdbRefused):
        gdb.read_memory((1 << 64) - 8, 16)


def test_registers(machine: Machine) -> None:
    gdb = machine.gdb
    registers = gdb.registers()
    assert {"rax", "r15", "rip", "eflags", "cs", "cr0", "cr3", "cr4", "efer"} <= set(registers)
    assert registers["rip"] >= KERNEL_BASE
    assert registers["cr3"] == gdb.symbol("top_table")
    assert registers["efer"] & 0x500 == 0x500
    assert gdb.register("rip") == registers["rip"]
    gdb.set_register("r15", 0xFEDCBA9876543210)
    assert gdb.register("r15") == 0xFEDCBA9876543210
    assert gdb.registers()["r15"] == 0xFEDCBA9876543210
    gdb.set_register("r15", registers["r15"])
    with pytest.raises(GdbRefused, match="no integer register is called 'r16'"):
        gdb.set_register("r16", 0)


def test_breakpoint_finish_step_and_backtrace(machine: Machine) -> None:
    gdb = machine.gdb
    made = gdb.break_("tick")
    gdb.continue_()
    assert gdb.running
    machine.serial.send("tick")
    stop = gdb.wait_stop()
    assert (stop.reason, stop.breakpoint) == ("breakpoint-hit", made.number)
    assert stop.frame is not None
    assert stop.frame.function == "tick"
    assert [frame.function for frame in gdb.backtrace()][:3] == ["tick", "perform", "echo_main"]
    before = gdb.register("rip")
    assert gdb.step_instruction().reason == "end-stepping-range"
    assert gdb.register("rip") > before
    assert gdb.finish().reason == "function-finished"
    stepped = gdb.next()
    assert stepped.frame is not None
    assert stepped.frame.function in ("perform", "echo_main")
    gdb.delete(made)
    gdb.continue_()
    assert machine.serial.expect_prompt(Deadline(5)).endswith("ok")


def test_a_function_made_to_return_does_nothing(machine: Machine) -> None:
    gdb = machine.gdb
    gdb.break_("*tick", temporary=True)
    gdb.continue_()
    machine.serial.send("tick")
    stop = gdb.wait_stop()
    assert stop.frame is not None
    assert stop.frame.address == gdb.symbol("tick")
    before = gdb.evaluate_int("counter")
    stack = gdb.register("rsp")
    gdb.return_(0x123456789ABCDEF0)
    assert gdb.backtrace()[0].function == "perform"
    assert gdb.register("rax") == 0x123456789ABCDEF0
    assert gdb.register("rsp") == stack + 8
    gdb.continue_()
    assert machine.serial.expect_prompt(Deadline(5)).endswith("ok")
    gdb.interrupt()
    assert gdb.evaluate_int("counter") == before


def test_breakpoint_in_a_called_function(machine: Machine) -> None:
    gdb = machine.gdb
    before = gdb.registers()
    gdb.break_("negate", condition="value == 7")
    assert gdb.call("negate", 8) == -8
    with pytest.raises(GdbRefused, match="stopped while in a function called from GDB"):
        gdb.call("negate", 7)
    assert gdb.wait_stop().reason == "breakpoint-hit"
    assert gdb.backtrace()[0].function == "negate"
    assert gdb.finish().result == "-7"
    assert gdb.registers() == before


def test_watchpoints(machine: Machine) -> None:
    gdb = machine.gdb
    made = gdb.watch("counter")
    value = gdb.evaluate_int("counter")
    gdb.continue_()
    machine.serial.send("tick")
    stop = gdb.wait_stop()
    assert (stop.reason, stop.breakpoint) == ("watchpoint-trigger", made.number)
    assert (stop.old, stop.new) == (str(value), str(value + 1))
    gdb.delete(made)
    reading = gdb.watch("counter", "read")
    gdb.continue_()
    assert machine.serial.expect_prompt(Deadline(5)).endswith("ok")
    machine.serial.send("tick")
    assert gdb.wait_stop().reason == "read-watchpoint-trigger"
    gdb.delete(reading)
    gdb.continue_()
    assert machine.serial.expect_prompt(Deadline(5)).endswith("ok")


def test_breakpoint_that_is_nowhere(machine: Machine) -> None:
    with pytest.raises(GdbRefused, match="absent"):
        machine.gdb.break_("absent")


def test_interrupt_and_no_stop_in_time(machine: Machine) -> None:
    gdb = machine.gdb
    gdb.continue_()
    with pytest.raises(GdbTimeout, match=r"the guest did not stop within 0\.2 s"):
        gdb.wait_stop(0.2)
    stop = gdb.interrupt()
    assert stop.reason == "signal-received"
    assert stop.signal == "SIGINT"
    assert not machine.running


def test_command_of_a_stopped_guest_is_refused_at_once(machine: Machine) -> None:
    with pytest.raises(MachineError, match="the guest is stopped"):
        machine.command("tick")
    machine.gdb.continue_()
    assert machine.command("tick") == "ok"


def test_stopped_leaves_things_as_they_were(machine: Machine) -> None:
    with machine.stopped():
        assert not runs(machine)
    assert not runs(machine)
    machine.gdb.continue_()
    with machine.stopped():
        with machine.stopped():
            assert not runs(machine)
        assert not runs(machine)
        assert machine.gdb.evaluate_int("counter") > 0
    assert runs(machine)
    assert machine.command("tick") == "ok"


def test_detach_lets_the_guest_run_and_a_new_gdb_come(machine: Machine) -> None:
    first = machine.gdb
    machine.detach_gdb()
    assert machine.command("tick") == "ok"
    with machine.stopped():
        assert machine.qmp.status() == "paused"
        with pytest.raises(MachineError, match="the guest is stopped"):
            machine.command("tick")
    assert machine.command("tick") == "ok"
    assert machine.gdb is not first
    assert machine.gdb.evaluate_int("counter") > 42


@pytest.mark.parametrize("location", ["*start", "echo_main"])
def test_breakpoint_before_paging(kernels: KernelConfigs, location: str) -> None:
    with Machine.launch(kernels("echo")) as machine:
        gdb = machine.gdb
        made = gdb.break_(location, hardware=True, temporary=True)
        gdb.continue_()
        stop = gdb.wait_stop()
        assert stop.frame is not None
        assert stop.frame.address == made.address
        paging = gdb.register("cr0") >> 31
        assert paging == (0 if location == "*start" else 1)
        machine.boot()
        assert machine.boot_text.startswith("echo: up")
        assert machine.command("tick") == "ok"


def test_console_lines(machine: Machine) -> None:
    assert "counter" in machine.gdb.console("info symbol &counter")
    with pytest.raises(GdbRefused):
        machine.gdb.console("no-such-command")
