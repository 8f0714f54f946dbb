"""The console's line editor: what a line may be, how it is edited, echoed and ended."""

import re

import pytest

from ringbench.config import Config, override
from ringbench.errors import Ended
from ringbench.machine import EndKind, Machine
from tests.system.replies import LINE_MAX, status


def padded(length: int) -> str:
    """Return a line of that many characters that is a right command."""
    return "pmm" + " " * (length - 7) + "info"


def test_longest_line_and_one_more(quiet_console: Machine) -> None:
    assert status(quiet_console.command(padded(LINE_MAX))) == "ok"
    assert status(quiet_console.command(padded(LINE_MAX + 1))) == "too_long"
    assert status(quiet_console.command("x" * 5000)) == "too_long"
    assert status(quiet_console.command(" " * (LINE_MAX + 1))) == "too_long"
    assert status(quiet_console.command("\b" * 300 + padded(LINE_MAX))) == "ok"


TOO_MANY = [
    "x" * (LINE_MAX + 1) + "\b",
    "x" * (LINE_MAX + 1) + "\b" * (LINE_MAX + 1),
    "x" * (LINE_MAX + 1) + "\x7f" * 300 + "pmm info",
    "x" * 300 + "\b" * 45 + "x" * 45,
    "x" * LINE_MAX + "\b" + "xx" + "\b" * 400 + "pmm info",
]


@pytest.mark.parametrize("typed", TOO_MANY)
def test_a_line_that_was_too_long_stays_so(quiet_console: Machine, typed: str) -> None:
    """Whatever is erased of it; the next line is another one."""
    assert status(quiet_console.command(typed)) == "too_long"
    assert status(quiet_console.command("pmm info")) == "ok"
    assert status(quiet_console.command(padded(LINE_MAX))) == "ok"


NOT_TOO_MANY = [
    "x" * LINE_MAX + "\b" * LINE_MAX + "pmm info",
    "x" * LINE_MAX + "\b" * 300 + padded(LINE_MAX),
    padded(LINE_MAX - 1) + "x\bx\bx\b",
    padded(LINE_MAX) + "\x00\x1b\x80" * 40,
    "\x01" * 600 + padded(LINE_MAX),
]


@pytest.mark.parametrize("typed", NOT_TOO_MANY)
def test_what_was_erased_in_time_or_dropped_does_not_count(
    quiet_console: Machine, typed: str
) -> None:
    assert status(quiet_console.command(typed)) == "ok"


def test_echo_of_a_line_that_is_too_long(quiet_console: Machine) -> None:
    """What is beyond is not shown, and the next to be erased is the last that was."""
    assert quiet_console.command("echo on") == "ok"
    assert quiet_console.command("heap check") == "ok"
    before = quiet_console.serial.transcript.read_bytes()
    quiet_console.command("y" * (LINE_MAX - 1) + "z" + "beyond" + "\b\b" + "a")
    shown = quiet_console.serial.transcript.read_bytes().removeprefix(before)
    kept = b"y" * (LINE_MAX - 1) + b"z"
    assert shown.startswith(kept + b"\b \b\b \ba\r\nerr too_long ")
    assert quiet_console.command("echo off") == "ok"


@pytest.mark.parametrize(
    "typed",
    [
        "pmm infx\bo",
        "pmm infx\x7fo",
        "zz\b\b\b\b\bpmm info",
        "pmmm info\b\b\b\b\b\b info",
        "  pmm \t info  ",
        "\tpmm\tinfo\t",
        "pmm\x00 in\x1bfo\x01",
        "pmm info\x80\xff\xc3",
    ],
)
def test_editing(quiet_console: Machine, typed: str) -> None:
    assert quiet_console.command(typed) == quiet_console.command("pmm info")


@pytest.mark.parametrize("typed", ["", "   ", "\t", "\b", "x\b", "\x00\x01\x1b"])
def test_an_empty_line_gets_a_prompt_and_no_reply(quiet_console: Machine, typed: str) -> None:
    assert quiet_console.command(typed) == ""


def test_echo(quiet_console: Machine) -> None:
    """With echo the console shows what is typed, erased characters blanked; without it nothing."""
    assert quiet_console.command("echo on") == "ok"
    assert quiet_console.command("heap check") == "ok"
    before = quiet_console.serial.transcript.read_bytes()
    quiet_console.command("heap chex\bck")
    shown = quiet_console.serial.transcript.read_bytes().removeprefix(before)
    assert shown == b"heap chex\b \bck\r\nok\r\nring> "
    assert quiet_console.command("echo off") == "ok"
    before = quiet_console.serial.transcript.read_bytes()
    assert quiet_console.command("heap check") == "ok"
    shown = quiet_console.serial.transcript.read_bytes().removeprefix(before)
    assert shown == b"ok\r\nring> "


def test_a_carriage_return_ends_a_line_too_and_poweroff_ends_all(ringbench_config: Config) -> None:
    exit_device = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    changes = {"kernel.line_end": "\r", "machine.arguments": exit_device}
    with Machine.start(override(ringbench_config, changes)) as machine:
        assert re.fullmatch(r"ok \d+ \d+", machine.command("pmm info"))
        with pytest.raises(Ended) as caught:
            machine.command("poweroff")
        ending = caught.value.ending
        assert ending is not None
        assert ending.kind is EndKind.FINISHED
        assert "ok" in machine.serial.tail().splitlines()
