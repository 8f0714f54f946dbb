"""Nothing outlives its owner: processes, sockets and folders, however the owner goes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ringbench.config import Config
from ringbench.errors import RingbenchError
from ringbench.machine import Machine
from ringbench.machine.process import Guard
from tests.bench.left import left, wait_until

KernelConfigs = Callable[..., Config]

OWNER = """
import sys, time
from pathlib import Path
from ringbench.config import load
from ringbench.machine import Machine
from tests.bench.left import left, wait_until
folder, kernel = Path(sys.argv[1]), sys.argv[2]
config = load(folder / "ringbench.toml", {
    "kernel.elf": folder / f"{kernel}.elf", "kernel.image": folder / f"{kernel}32.elf",
    "kernel.prompt": "ring> ", "deadlines.boot": 60})
print("starting", flush=True)
with Machine.start(config) as machine:
    machine.gdb.running
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every private folder of the test is made."""
    return tmp_path_factory.mktemp("place")


def owner(config: Config, place: Path, kernel: str) -> subprocess.Popen[str]:
    """Start a process that owns a machine, temporary files in `place`."""
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(config.source.parent), kernel],
        env={**os.environ, "TMPDIR": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_death_of_the_owner_takes_everything_along(
    kernels: KernelConfigs, place: Path, number: signal.Signals
) -> None:
    with owner(kernels("echo"), place, "echo") as process:
        assert said(process) == "starting"
        assert said(process) == "ready"
        names = " ".join(left(place))
        assert "qemu-system" in names
        assert "ringbench-guard" in names
        process.send_signal(number)
        process.wait()
        wait_until(lambda: left(place) == [])
        assert process.returncode == -number


def interrupted(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and once more if Python lost it, and return what the process said of it.

    An exception in a callback of Python's own, as that of its import locks, is ignored.
    """
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=20)[1]
    except subprocess.TimeoutExpired as late:
        if b"Exception ignored in" not in (late.stderr or b""):
            raise
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=20)[1]


@pytest.mark.parametrize("pause", [0.0, 0.03, 0.06, 0.1, 0.2, 0.4])
def test_ctrl_c_at_any_moment(kernels: KernelConfigs, place: Path, pause: float) -> None:
    with owner(kernels("deaf"), place, "deaf") as process:
        assert said(process) == "starting"
        time.sleep(pause)
        errors = interrupted(process)
        assert errors.rstrip().endswith("KeyboardInterrupt")
        wait_until(lambda: left(place) == [])


def test_forgotten_machine_goes_with_its_process(kernels: KernelConfigs, place: Path) -> None:
    config = kernels("echo")
    script = OWNER.replace(
        "with Machine.start(config) as machine:", "if machine := Machine.start(config):"
    )
    script = script.replace("time.sleep(60)", "raise SystemExit(0)")
    subprocess.run(
        [sys.executable, "-c", script, str(config.source.parent), "echo"],
        env={**os.environ, "TMPDIR": str(place)},
        check=True,
        capture_output=True,
    )
    wait_until(lambda: left(place) == [])


def test_end_of_the_block_leaves_nothing(
    kernels: KernelConfigs, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    descriptors = os.listdir("/proc/self/fd")
    with Machine.start(kernels("echo")) as machine:
        _ = machine.gdb
        machine.memory.read(0, 1)
        assert left(place) != []
    assert left(place) == []
    assert os.listdir("/proc/self/fd") == descriptors
    machine.close()


def test_failed_start_leaves_nothing(
    kernels: KernelConfigs, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    descriptors = os.listdir("/proc/self/fd")
    for kernel, changes in (
        ("panic", {}),
        ("echo", {"machine.cpu": "absent"}),
        ("echo", {"machine.qemu": "absent"}),
        ("echo", {"machine.gdb": "absent"}),
    ):
        with (
            pytest.raises(RingbenchError),
            Machine.start(kernels(kernel, changes)) as machine,
        ):
            _ = machine.gdb
        assert left(place) == []
        assert os.listdir("/proc/self/fd") == descriptors


def test_temporary_folder_with_a_long_or_odd_name(
    kernels: KernelConfigs, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a b,c'd", "x" * 120):
        odd = place / name
        odd.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(odd))
        with Machine.start(kernels("echo")) as machine:
            assert machine.command("tick") == "ok"
            assert machine.gdb.evaluate_int("counter") == 42
        assert list(odd.iterdir()) == []


def test_machines_in_parallel_do_not_meet(kernels: KernelConfigs) -> None:
    config = kernels("echo")

    def count(times: int) -> int:
        with Machine.start(config) as machine:
            for _ in range(times):
                assert machine.command("tick") == "ok"
            return machine.gdb.evaluate_int("counter")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(count, [1, 2, 3, 4])) == [42, 43, 44, 45]


def test_a_machine_outlives_the_thread_that_started_it(kernels: KernelConfigs) -> None:
    with ThreadPoolExecutor(1) as pool:
        machine = pool.submit(Machine.start, kernels("echo")).result()
    with machine:
        assert machine.command("tick") == "ok"


def test_kept_logs(kernels: KernelConfigs, tmp_path: Path) -> None:
    keep = tmp_path / "deep" / "logs"
    with Machine.start(kernels("echo"), keep) as machine:
        machine.command("tick")
        _ = machine.gdb
        assert machine.folder == keep
    assert {path.name for path in keep.iterdir()} == {
        *("gdb.out", "qemu.log", "qemu.out", "reproduce.sh", "serial.log")
    }
    assert (keep / "serial.log").read_bytes() == b"echo: up\r\nring> tick\r\nok\r\nring> "
    script = keep / "reproduce.sh"
    with subprocess.Popen(
        [script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "echo: up\n"
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # QEMU may be a child of the script's


def test_logs_that_cannot_be_kept(kernels: KernelConfigs, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="file: logs cannot be kept there"):
        Machine.start(kernels("echo"), tmp_path / "file")


def test_a_guard_removes_a_folder_that_a_child_is_writing_to(tmp_path: Path) -> None:
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert guarded_while_written_to(folder) != 0
        wait_until(lambda gone=folder: not gone.exists())  # type: ignore[misc]


def guarded_while_written_to(folder: Path) -> int:
    """Close a guard while a child makes files in its folder; return how the child ended."""
    guard = Guard(folder)
    script = 'while :; do : > "$1/$(date +%N)"; done'
    writer = subprocess.Popen(
        ["sh", "-c", script, "writer", folder],
        process_group=guard.group,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: any(folder.iterdir()))
    guard.close()
    return writer.wait()
