"""The pytest plugin from outside: pytest run inside pytest, its outcomes and reports read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.places import ROOT

pytestmark = pytest.mark.sampled

pytest_plugins = ["pytester"]


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for the inner tests, with this project's configuration."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini(f"[pytest]\naddopts = --ringbench-config={ROOT / 'ringbench.toml'}\n")
    return pytester


def test_fixtures_reach_a_booted_kernel(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc

        def test_console(console, memory, machine):
            reply = console.perform(PmmAlloc())
            assert reply.status == "ok"
            assert len(memory.read(reply.values[0], 4096)) == 4096

        def test_gdb(gdb):
            free = gdb.evaluate_int("pmm.free_count")
            assert gdb.call("pmm_alloc", gdb.symbol("debug_scratch")) == 0
            assert gdb.evaluate_int("pmm.free_count") == free - 1
        """
    )
    inner.runpytest_subprocess().assert_outcomes(passed=2)


def test_options_and_marker_choose_the_machine(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        def test_option(machine):
            assert machine.config.machine.memory == 48 << 20

        @pytest.mark.ringbench(memory="32M", command_line="hello")
        def test_marker(machine):
            assert machine.config.machine.memory == 32 << 20
            assert machine.config.kernel.command_line == "hello"
        """
    )
    inner.runpytest_subprocess("--ringbench-memory=48M").assert_outcomes(passed=2)


def test_functions_are_called_by_name(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest
        from ringbench.drive.guest_calls import Call, Result

        def test_by_name(calls, machine):
            block = calls.kmalloc(64)
            assert calls.kfree(block) == 0
            assert calls["kfree"](block + 1) < 0
            with pytest.raises(AttributeError, match="no function 'kmaloc'; near it are kmalloc"):
                calls.kmaloc(64)
            assert machine.config.machine.guest_calls

        @pytest.mark.ringbench_calls(at="serial_get", interrupts=True)
        def test_in_batches(guest_calls, machine, calls):
            kmalloc = machine.gdb.symbol("kmalloc")
            first, second = guest_calls.perform([Call(kmalloc, (64,)), Call(kmalloc, (64,))])
            assert first != second

        def test_another_machine(machine):
            assert not machine.config.machine.guest_calls

        @pytest.mark.ringbench_calls(where="idle")
        def test_typo(calls):
            pass
        """
    )
    result = inner.runpytest_subprocess()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*test_typo: marker ringbench_calls takes at and interrupts*"])


def test_unknown_keyword_of_the_marker_is_named(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        @pytest.mark.ringbench(memroy="32M")
        def test_typo(machine):
            pass
        """
    )
    result = inner.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*memroy*"])


def test_failure_shows_serial_registers_command_and_logs(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        def test_wrong(machine):
            machine.command("pmm info")
            assert False, "on purpose"
        """
    )
    result = inner.runpytest_subprocess("--junit-xml=result.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            *("*ringbench serial*", "*pmm info*", "*ringbench registers*", "*RIP=*"),
            *("*ringbench reproduce*", "*qemu-system-x86_64*", "*ringbench logs*"),
        ]
    )
    logs = [
        Path(line)
        for line in result.outlines
        if line.startswith("/") and Path(line).name.startswith("serial")
    ]
    assert logs, "the report names the serial transcript"
    assert "pmm info" in logs[0].read_text()
    failure = ElementTree.parse(inner.path / "result.xml").find(".//testcase/failure")
    assert failure is not None
    kept = failure.text or ""
    assert all(each in kept for each in ("pmm info", "RIP=", "qemu-system-x86_64", "on purpose"))


def test_logs_of_a_passed_test_are_removed_unless_kept(inner: pytest.Pytester) -> None:
    inner.makepyfile("def test_it(machine):\n    print('FOLDER', machine.folder)\n")

    def folder(*arguments: str) -> Path:
        result = inner.runpytest_subprocess("-s", *arguments)
        result.assert_outcomes(passed=1)
        [line] = [line for line in result.outlines if "FOLDER" in line]
        return Path(line.split("FOLDER ")[1].rstrip("."))

    assert not folder().exists()
    assert folder("--ringbench-keep=always").is_dir()


def test_kernel_that_panics_at_boot_is_an_error_with_its_words(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        @pytest.mark.ringbench(command_line="crash=panic")
        def test_never_runs(machine):
            pass
        """
    )
    result = inner.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*!! panic*"])


def test_every_test_gets_a_machine_just_booted(inner: pytest.Pytester) -> None:
    """One QEMU for all of them, whatever they do to it; another for one that ended it."""
    inner.makepyfile(
        """
        import os, signal
        import pytest
        from ringbench.errors import MachineError

        BOOTED = []
        MACHINES = []

        def just_booted(machine):
            BOOTED.append(machine.command("pmm alloc 3"))
            MACHINES.append(machine.private)
            assert machine.serial.transcript.read_text().count("pmm alloc") == 1
            assert machine.command("heap alloc 4000").startswith("ok ")
            assert set(BOOTED) == {BOOTED[0]}

        def test_disturbs(machine):
            just_booted(machine)
            machine.command("echo off")

        def test_debugs(machine, gdb):
            gdb.break_("pmm_alloc_run")

        def test_after_debugging(machine):
            just_booted(machine)
            assert machine.private == MACHINES[0]

        @pytest.mark.xfail(strict=True)
        def test_fails(machine):
            assert False

        @pytest.mark.ringbench(memory="32M")
        def test_other_configuration(machine):
            assert machine.private != MACHINES[0]
            machine.command("pmm alloc 3")

        def test_kills(machine):
            just_booted(machine)
            assert machine.private == MACHINES[0]
            os.kill(machine._qemu.process.pid, signal.SIGKILL)
            with pytest.raises(MachineError):
                machine.command("info")

        def test_closes(machine):
            just_booted(machine)
            assert machine.private != MACHINES[0]
            machine.close()

        def test_is_not_impressed(machine):
            just_booted(machine)
            assert len(set(MACHINES)) == 3
        """
    )
    inner.runpytest_subprocess().assert_outcomes(passed=7, xfailed=1)


def test_few_machines_are_kept_and_none_in_the_end(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest
        from ringbench.config import override

        LENT = []

        @pytest.mark.parametrize("size", [16, 17, 18, 19, 20, 21])
        def test_size(ringbench_machines, ringbench_config, size):
            config = override(ringbench_config, {"machine.memory": f"{size}M"})
            with ringbench_machines.lend(config) as machine:
                assert machine.command("info").startswith("ok ")
            LENT.append(machine)
            print("FOLDER", machine.private)
            ended = [each._qemu.process.exit_status() is not None for each in LENT]
            assert ended == [True] * (len(LENT) - 4) + [False] * min(len(LENT), 4)
        """
    )
    result = inner.runpytest_subprocess("-s")
    result.assert_outcomes(passed=6)
    folders = [Path(line.split("FOLDER ")[1]) for line in result.outlines if "FOLDER" in line]
    assert len(folders) == 6
    assert not any(folder.exists() for folder in folders)


def test_fresh_machines(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        SEEN = set()

        @pytest.mark.parametrize("n", range(2))
        def test_boots(machine, n):
            SEEN.add(machine.private)
            assert len(SEEN) == n + 1
        """
    )
    inner.runpytest_subprocess("--ringbench-fresh").assert_outcomes(passed=2)


def test_machine_that_cannot_be_frozen_is_booted_each_time(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        SEEN = set()

        @pytest.fixture
        def disk(ringbench_machines, ringbench_config, tmp_path_factory):
            from ringbench.config import override
            disk = tmp_path_factory.getbasetemp() / "disk.img"
            disk.write_bytes(bytes(1 << 16))
            drive = ["-drive", f"file={disk},format=raw"]
            config = override(ringbench_config, {"machine.arguments": drive})
            with ringbench_machines.lend(config) as machine:
                yield machine

        @pytest.mark.parametrize("n", range(2))
        def test_boots(disk, n):
            assert disk.command("info").startswith("ok ")
            SEEN.add(disk.private)
            assert len(SEEN) == n + 1
        """
    )
    inner.runpytest_subprocess().assert_outcomes(passed=2)


def test_parallel_machines_do_not_clash(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(4))
        def test_each(machine, n):
            assert machine.command("pmm info").startswith("ok ")
        """
    )
    inner.runpytest_subprocess("-n", "2").assert_outcomes(passed=4)
