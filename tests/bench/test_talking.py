"""Kernels that talk in different ways: every output, prompts of all kinds, input, readiness."""

import re
from pathlib import Path

import pytest

from ringbench.errors import BootTimeout, Ended, Hang, MachineError
from ringbench.machine import EndKind, Machine, Pool
from tests.bench.talkers import build, configure, run

pytestmark = pytest.mark.sampled

LOG_IN = 'login = [{expect = "name: ", send = "me"}, {expect = "word: ", send = "x"}]\n'
SHELL = LOG_IN + "prompt_pattern = 'at:\\S*> '\nlog = '^\\[timer\\]'\n"


def test_a_shell_behind_a_log_in(tmp_path: Path) -> None:
    with Machine.start(configure(tmp_path, build(tmp_path, "SHELL"), SHELL)) as machine:
        assert machine.boot_text.startswith("up\nname: ")
        assert machine.command("hello") == "said hello"
        assert machine.command("/usr") == ""
        assert machine.command("hello") == "said hello"
        assert machine.command("alike") == "at:/> is no prompt\nat:/> nor this"
        assert "[timer] tick" in machine.serial.tail()
        assert machine.command("wipe", prompt="sure? ") == ""
        assert machine.command("y") == "wiped"
        machine.send("wipe")
        found = machine.expect("no such", re.compile(r"^(\w+)\? "))
        assert (found.index, found.text, found.ended) == (1, "sure? ", False)
        assert found.match is not None
        assert found.match[1] == "sure"
        machine.send("n")
        assert machine.expect("kept").before.endswith("\n")
        with pytest.raises(Hang, match=r"no 'gone' within 0\.2 s"):
            machine.expect("gone", seconds=0.2)
        with pytest.raises(ValueError, match="com2"):
            machine.expect("x", output="com9")


def test_a_line_editor_and_doubled_line_ends(tmp_path: Path) -> None:
    with Machine.start(
        configure(tmp_path, build(tmp_path, "EDITOR"), 'prompt = "ed> "')
    ) as machine:
        assert machine.command("hello") == "said hello"
        assert machine.command("two words") == "said two words"


def test_an_echo_that_is_torn_and_a_prompt_behind_other_text(tmp_path: Path) -> None:
    with Machine.start(configure(tmp_path, build(tmp_path, "TORN"), 'prompt = "> "')) as machine:
        assert machine.boot_text == "up\nheap... ok "
        assert machine.command("hello") == "said hello"
        assert "[timer] tick" in machine.serial.tail()


def test_another_port(tmp_path: Path) -> None:
    elf = build(tmp_path, "TORN", "-DCOM=0x3e8")
    with Machine.start(configure(tmp_path, elf, 'prompt = "> "\nconsole = "com3"')) as machine:
        assert machine.command("hi") == "said hi"
        assert (machine.folder / "com3.log").read_bytes().startswith(b"up\r\n")


def test_what_speaks_instead_of_the_console_is_named(tmp_path: Path) -> None:
    elf = build(tmp_path, "TORN", "-DCOM=0x2f8")
    config = configure(tmp_path, elf, 'prompt = "> "', **{"deadlines.boot": 1})
    with pytest.raises(BootTimeout, match=r'set kernel\.console = "com2"') as caught:
        Machine.start(config)
    assert "awaited is kernel.prompt = '> '" in str(caught.value)
    assert caught.value.tails["com2"].startswith("up\n")
    assert "end of what com2 says" in caught.value.details()
    elf = build(tmp_path, "TORN")
    config = configure(tmp_path, elf, 'prompt = "$ "', **{"deadlines.boot": 1})
    with pytest.raises(BootTimeout, match=r"if its prompt is '> ', say so"):
        Machine.start(config)


def test_screen_and_keyboard(tmp_path: Path) -> None:
    keys = 'prompt = "vga> "\nconsole = "vga"'
    with Machine.start(configure(tmp_path, build(tmp_path, "SCREEN"), keys)) as machine:
        assert machine.command("hello") == "said hello"
        assert machine.command('A-z 09 {"~|?"} \\') == 'said A-z 09 {"~|?"} \\'
        for number in range(15):  # until it has scrolled
            assert machine.command(f"n{number}") == f"said n{number}"
        assert (machine.folder / "vga.log").read_text().count("said n") == 15
        assert (machine.folder / "serial.log").read_bytes() == b"up\r\n"
        with pytest.raises(MachineError, match="a US keyboard has no such key"):
            machine.command("ä")
        machine.press("h", "shift-i", "shift-1", "ret")
        assert machine.expect("said hI!", output="vga").before.endswith("\n")
        with pytest.raises(MachineError, match=r"QEMU refused 'send-key'.*nokey"):
            machine.press("nokey")


@pytest.mark.parametrize(
    "keys",
    [
        "ready = {log = '^log: d'}",
        'ready = {function = "log_done"}',
        'ready = "quiet"',
        "",
        'ready = "nothing"',
        'console = "debugcon"\nready = {log = "done"}',
    ],
)
def test_kernel_without_a_console(tmp_path: Path, keys: str) -> None:
    with Machine.start(configure(tmp_path, build(tmp_path, "LOG"), keys)) as machine:
        assert machine.expect("log: done", output="debugcon").before == "log: heap\n"
        with pytest.raises(MachineError, match=r"no prompt that is known.*expect|only prints"):
            machine.command("x")
        with machine.stopped():
            assert machine.gdb.evaluate_int("sizeof line") == 64
        log = machine.folder / "debugcon.log"
        assert log.read_bytes().startswith(b"log: heap\nlog: done")


def test_a_kernel_that_is_done_and_halts_is_ready_where_nothing_else_is_awaited(
    tmp_path: Path,
) -> None:
    config = configure(tmp_path, build(tmp_path, "LOG"), 'console = "debugcon"')
    with Pool(tmp_path / "pool") as pool:
        for _ in range(2):
            with pool.lend(config, tmp_path / "logs") as machine:
                assert machine.boot_text == "log: heap\nlog: done\n"
                with pytest.raises(Ended, match="halted: every processor"):
                    machine.expect("more", output="debugcon")


def test_a_log_that_never_falls_silent(tmp_path: Path) -> None:
    elf, prompt = build(tmp_path, "TICKS"), 'prompt = "> "'
    with Machine.start(configure(tmp_path, elf, f"{prompt}\nlog = '^.tick.$'")) as machine:
        assert machine.boot_text == "up"
        assert [machine.command(each) for each in ("a", "b")] == ["said a", "said b"]
    config = configure(tmp_path, elf, prompt, **{"deadlines.boot": 1})
    with pytest.raises(BootTimeout, match=r"if they are its log, set kernel\.log"):
        Machine.start(config)


def test_a_line_that_does_not_end_for_the_kernel(tmp_path: Path) -> None:
    elf = build(tmp_path, "TORN", "-DENDS='\\r'")
    config = configure(tmp_path, elf, 'prompt = "> "', **{"deadlines.reply": 1})
    with (
        Machine.start(config) as machine,
        pytest.raises(Hang, match=r'another key to end the line, set kernel\.line_end = "\\r"'),
    ):
        machine.command("x")
    config = configure(tmp_path, elf, 'prompt = "> "\nline_end = "\\r"')
    with Machine.start(config) as machine:
        assert machine.command("hi") == "said hi"


def test_last_words_are_no_readiness(tmp_path: Path) -> None:
    """A panic that no pattern of the configuration knows is not taken for a kernel that is done."""
    elf = build(tmp_path, "LOG", '-DLAST="KERNEL PANIC: no heap\\n rip 0x10\\n"')
    config = configure(tmp_path, elf, 'console = "debugcon"')
    words = "halted: every .*'KERNEL PANIC: no heap' looks like last words"
    with pytest.raises(Ended, match=words):
        Machine.start(config)
    done = run(tmp_path, "ringbench.cli.main", "boot")
    assert done.returncode == 3, done.stderr
    harmless = build(tmp_path, "LOG", '-DLAST="PANIC handler is there\\n"')
    with Machine.start(configure(tmp_path, harmless, 'console = "debugcon"')) as machine:
        assert machine.boot_text.endswith("PANIC handler is there\n")


def test_a_processor_where_no_code_can_be_is_no_readiness(tmp_path: Path) -> None:
    config = configure(tmp_path, build(tmp_path, "LOST"), "")
    with pytest.raises(BootTimeout, match="it fell quiet, but the processor was sent to where"):
        Machine.start(config)


def test_a_line_that_is_not_heard_is_told_where_else_to_type(tmp_path: Path) -> None:
    keys = 'prompt = "vga> "\nconsole = "vga"\ninput = "serial"'
    config = configure(tmp_path, build(tmp_path, "SCREEN"), keys, **{"deadlines.reply": 1})
    with (
        Machine.start(config) as machine,
        pytest.raises(Hang, match=r'typed at the serial port.* set kernel\.input = "keyboard"'),
    ):
        machine.command("hello")
    keys = 'prompt = "> "\ninput = "keyboard"'
    config = configure(tmp_path, build(tmp_path, "TORN"), keys, **{"deadlines.reply": 1})
    with (
        Machine.start(config) as machine,
        pytest.raises(Hang, match=r'typed at the keyboard.* set kernel\.input = "serial"'),
    ):
        machine.command("hello")


def test_ready_that_never_comes(tmp_path: Path) -> None:
    elf = build(tmp_path, "TORN")
    for keys, words in [
        ("ready = {log = 'absent'}", "no line like 'absent' within 1 s"),
        ('ready = "end"', "no end of the run within 1 s"),
        ('ready = {function = "stop"}', r"stop\(\) was not reached within 1 s"),
    ]:
        config = configure(tmp_path, elf, keys, **{"deadlines.boot": 1})
        with pytest.raises(BootTimeout, match=words):
            Machine.start(config)


@pytest.mark.parametrize("keys", ["ready = {log = 'absent'}", 'ready = "end"', "passed = '^ok'"])
def test_a_kernel_that_halts_before_it_is_ready(tmp_path: Path, keys: str) -> None:
    with pytest.raises(Ended, match="halted: every processor") as caught:
        Machine.start(configure(tmp_path, build(tmp_path, "LOG"), keys))
    assert caught.value.ending is not None
    assert caught.value.ending.kind is EndKind.HALTED


def test_the_end_is_one_more_thing_to_expect(tmp_path: Path) -> None:
    keys = 'ready = "nothing"\npassed = {exit = 33}'
    with Machine.start(configure(tmp_path, build(tmp_path, "TESTS"), keys)) as machine:
        found = machine.expect("no such", or_end=True)
        assert found.ended
        assert found.before.splitlines()[-1] == "test swap: skip"
        ending = machine.ending()
        assert ending is not None
        assert (ending.kind, ending.exit_status) == (EndKind.FINISHED, 35)


def test_every_output_is_put_back_with_the_machine(tmp_path: Path) -> None:
    keys = 'ready = {log = "done"}'
    config = configure(tmp_path, build(tmp_path, "LOG"), keys)
    with Pool(tmp_path / "pool") as pool:
        for use in range(2):
            with pool.lend(config, tmp_path / f"logs{use}") as machine:
                log = tmp_path / f"logs{use}/debugcon.log"
                assert log.read_bytes().startswith(b"log: heap\nlog: done")
                assert machine.ending() is None
