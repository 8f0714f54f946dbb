"""Every way a run can end, caused with a real QEMU and told apart."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.config import Config
from ringbench.errors import (
    BootTimeout,
    Ended,
    GdbDied,
    GdbTimeout,
    Hang,
    ImageError,
    MachineError,
    QemuDied,
    QmpTimeout,
    StartError,
)
from ringbench.machine import EndKind, Machine
from tests.bench.left import wait_until

KernelConfigs = Callable[..., Config]
EXIT_DEVICE = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
IMPATIENT = {"deadlines.boot": 3.0, "deadlines.reply": 1.0}
PATIENT = {"deadlines.boot": 1000.0, "deadlines.reply": 1000.0}  # only for what must not wait


def qemu_pid(machine: Machine) -> int:
    """Find the guest's process by the private folder's name in its command line."""
    found = subprocess.run(
        ["pgrep", "-f", f"qemu-system.*{machine.private}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout)


def kind_of(error: MachineError) -> EndKind:
    assert error.ending is not None
    return error.ending.kind


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ("silent", "the kernel has printed nothing"),
        ("midline", "its output ends with 'kernel: pag'"),
    ],
)
def test_kernels_that_halt_for_good_are_known_at_once(
    kernels: KernelConfigs, kernel: str, words: str
) -> None:
    with pytest.raises(Ended, match=r"halted: .* while booting") as caught:
        Machine.start(kernels(kernel, PATIENT))
    assert words in str(caught.value)
    assert kind_of(caught.value) is EndKind.HALTED
    assert "EIP=" in caught.value.registers
    assert "-kernel" in caught.value.command


def test_a_kernel_that_never_comes_to_a_prompt(kernels: KernelConfigs) -> None:
    with pytest.raises(BootTimeout, match=r"no prompt within 3 s while booting") as caught:
        Machine.start(kernels("garbage", IMPATIENT))
    assert "its output ends with" in str(caught.value)
    assert kind_of(caught.value) is EndKind.HANG
    assert "EIP=" in caught.value.registers


def test_kernel_that_would_reset_forever(kernels: KernelConfigs) -> None:
    with pytest.raises(Ended, match="triple fault") as caught:
        Machine.start(kernels("triple", PATIENT))
    assert kind_of(caught.value) is EndKind.TRIPLE_FAULT
    assert caught.value.serial_tail == "kernel: going down\n"
    assert "EIP=" in caught.value.registers


def test_panic_before_the_prompt(kernels: KernelConfigs) -> None:
    with pytest.raises(Ended, match="kernel panic: !! panic no memory") as caught:
        Machine.start(kernels("panic", PATIENT))
    assert caught.value.ending is not None
    assert caught.value.ending.block == (
        "!! panic no memory at pmm.c:12",
        "  used 1 of 0",
        "!! end",
    )
    for part in ("last words", "  used 1 of 0", "registers", "by hand", "qemu-system"):
        assert part in caught.value.details()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("panic", EndKind.KERNEL_PANIC),
        ("halfpanic", EndKind.KERNEL_PANIC),
        ("fault", EndKind.EXCEPTION),
        ("triple", EndKind.TRIPLE_FAULT),
        ("reset", EndKind.RESET),
        ("off", EndKind.FINISHED),
        ("exit", EndKind.FINISHED),
    ],
)
def test_endings_of_a_command(kernels: KernelConfigs, line: str, kind: EndKind) -> None:
    changes = PATIENT | {"machine.arguments": EXIT_DEVICE}
    with Machine.start(kernels("echo", changes)) as machine:
        with pytest.raises(Ended, match=f"while performing '{line}'") as caught:
            machine.command(line)
        assert kind_of(caught.value) is kind
        assert type(caught.value) is Ended
        # The ending stands, and the next command says so at once.
        assert machine.ending() == caught.value.ending
        with pytest.raises(Ended, match="before 'tick'"):
            machine.command("tick")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("panic", EndKind.KERNEL_PANIC),
        ("triple", EndKind.TRIPLE_FAULT),
        ("off", EndKind.FINISHED),
    ],
)
def test_an_end_that_is_waited_for(kernels: KernelConfigs, line: str, kind: EndKind) -> None:
    with Machine.start(kernels("echo")) as machine:
        assert machine.ending() is None
        machine.serial.send(line)
        assert machine.wait_end(10).kind is kind
        assert machine.wait_end(10).kind is kind


def test_an_end_that_somebody_else_heard_of_first(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo", PATIENT)) as machine:
        machine.serial.send("triple")
        wait_until(lambda: machine.qmp.status() != "running")
        with pytest.raises(Ended, match="triple fault"):
            machine.command("tick")


def test_an_end_that_does_not_come(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        assert machine.wait_end(0.1).kind is EndKind.HANG
        assert machine.command("tick") == "ok"


def test_hang_after_the_prompt(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("deaf", IMPATIENT)) as machine:
        with pytest.raises(Hang, match="while performing 'help'") as caught:
            machine.command("help")
        assert not isinstance(caught.value, BootTimeout)
        assert kind_of(caught.value) is EndKind.HANG
        assert "EIP=" in caught.value.registers


def test_hang_in_a_command_has_its_own_deadline(kernels: KernelConfigs) -> None:
    with (
        Machine.start(kernels("echo")) as machine,
        pytest.raises(Hang, match=r"within 0\.3 s while performing 'hang'"),
    ):
        machine.command("hang", seconds=0.3)


def test_qemu_killed(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo", PATIENT)) as machine:
        os.kill(qemu_pid(machine), signal.SIGKILL)
        with pytest.raises(QemuDied, match="QEMU died: killed by SIGKILL") as caught:
            machine.command("tick")
        assert kind_of(caught.value) is EndKind.QEMU_DIED
        assert "echo: up" in caught.value.serial_tail


def test_qemu_silent(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo", IMPATIENT)) as machine:
        pid = qemu_pid(machine)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(QmpTimeout):
            machine.qmp.status()
        with pytest.raises(Hang, match="QEMU itself does not answer"):
            machine.command("tick")


def test_gdb_killed(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        os.kill(machine.gdb.pid, signal.SIGKILL)
        with pytest.raises(GdbDied, match="gdb is gone: killed by SIGKILL") as caught:
            machine.gdb.evaluate("counter")
        assert kind_of(caught.value) is EndKind.GDB_DIED
        assert "RIP=" in caught.value.registers
        # The guest is still there, and so is a new gdb for who wants one.
        machine.detach_gdb()
        assert machine.command("tick") == "ok"
        assert machine.gdb.evaluate_int("counter") == 42


def test_gdb_silent(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo", {"deadlines.gdb": 3.0})) as machine:
        os.kill(machine.gdb.pid, signal.SIGSTOP)
        with pytest.raises(GdbTimeout, match=r"did not answer .* within 3 s"):
            machine.gdb.evaluate("counter")


def test_qemu_killed_under_gdb(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo")) as machine:
        gdb = machine.gdb
        os.kill(qemu_pid(machine), signal.SIGKILL)
        with pytest.raises(MachineError) as caught:
            gdb.read_memory(gdb.symbol("counter"), 8)
        assert kind_of(caught.value) is EndKind.QEMU_DIED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"machine.qemu": "no-such-qemu"}, ["no-such-qemu", "machine.qemu", "install it"]),
        ({"machine.qemu": "/etc/passwd"}, ["/etc/passwd", "machine.qemu"]),
        ({"machine.qemu": "/bin/true"}, ["QEMU refused to start", "exit status 0"]),
        ({"machine.arguments": ["-nonsense"]}, ["QEMU refused to start", "-nonsense"]),
        ({"machine.arguments": ["-device", "absent"]}, ["QEMU refused to start", "absent"]),
        ({"machine.cpu": "absent"}, ["QEMU refused to start", "absent"]),
        ({"machine.accelerator": "absent"}, ["QEMU refused to start", "absent"]),
    ],
)
def test_qemu_that_does_not_start(
    kernels: KernelConfigs, changes: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(StartError) as caught:
        Machine.start(kernels("echo", changes))
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 3


def test_missing_gdb(kernels: KernelConfigs) -> None:
    with Machine.start(kernels("echo", {"machine.gdb": "no-such-gdb"})) as machine:
        with pytest.raises(StartError, match=r"no-such-gdb.*machine\.gdb"):
            _ = machine.gdb
        assert machine.command("tick") == "ok"


def test_a_bad_image_starts_nothing(kernels: KernelConfigs, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such kernel"):
        Machine.start(kernels("echo", {"kernel.elf": tmp_path / "absent"}))
