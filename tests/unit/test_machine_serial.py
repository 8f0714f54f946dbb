"""The console, with a socket in the guest's place: prompts, replies, echo, last words."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringbench.config import KernelConfig
from ringbench.errors import LastWords, SerialClosed, SerialTimeout
from ringbench.machine.deadline import Deadline
from ringbench.machine.outputs import Outputs
from ringbench.machine.serial import Serial
from ringbench.machine.typist import PortTypist

LOOKBACK = 1024

CONSOLE = KernelConfig(
    elf=Path("k"),
    image=Path("k"),
    prompt="ring> ",
    panic="^!! panic",
    exception="^!! exception",
    end="^!! end",
)


@dataclass
class Ends:
    """Both ends of a serial line; `says` is the guest talking."""

    serial: Serial
    guest: socket.socket

    def says(self, text: str) -> None:
        self.guest.sendall(text.encode())

    def answers(self, *replies: str) -> threading.Thread:
        """Answer one line after the other with `replies`, in the background."""

        def answer() -> None:
            with self.guest.makefile("rb") as lines:
                for reply in replies:
                    lines.readline()
                    self.says(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        return thread


def soon() -> Deadline:
    return Deadline(5)


def now() -> Deadline:
    return Deadline(0.05)


def make(line: socket.socket, console: KernelConfig, folder: Path) -> Serial:
    return Serial(Outputs({"com1": line}, folder), console, PortTypist(line))


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    ours, guest = socket.socketpair()
    serial = make(ours, CONSOLE, tmp_path)
    yield Ends(serial, guest)
    serial.outputs.close()
    guest.close()


def test_text_before_the_prompt(ends: Ends) -> None:
    ends.says("boot: one\r\nboot: two\r\nring> ")
    assert ends.serial.expect_prompt(soon()) == "boot: one\nboot: two"


def test_prompt_alone(ends: Ends) -> None:
    ends.says("ring> ")
    assert ends.serial.expect_prompt(soon()) == ""


def test_prompt_text_within_a_line_is_no_prompt(ends: Ends) -> None:
    ends.says("say ring> not yet\r\nxring> \r\n")
    with pytest.raises(SerialTimeout, match="no prompt within"):
        ends.serial.expect_prompt(now())
    ends.says("ring> ")
    assert ends.serial.expect_prompt(soon()) == "say ring> not yet\nxring> "


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    length=st.integers(0, 3 * LOOKBACK),
    cuts=st.lists(st.integers(0, 3 * LOOKBACK + 40), max_size=6),
)
def test_prompt_is_found_however_the_bytes_come(ends: Ends, length: int, cuts: list[int]) -> None:
    text = ("x" * 37 + "ring> " * 3 + "\r\n") * (length // 57) + "last\r\nring> "
    places = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    for start, end in pairwise(places):
        ends.says(text[start:end])
        if end < len(text):
            with pytest.raises(SerialTimeout):
                ends.serial.expect_prompt(Deadline(0))
    found = ends.serial.expect_prompt(soon())
    assert found == text.removesuffix("\r\nring> ").replace("\r\n", "\n")


def test_reply_of_a_console_that_echoes(ends: Ends) -> None:
    thread = ends.answers("tick\r\nok 1\r\nring> ", "tick\r\nring> ")
    assert ends.serial.command("tick", soon()) == "ok 1"
    assert ends.serial.command("tick", soon()) == ""
    thread.join()


def test_reply_of_a_console_that_does_not(ends: Ends) -> None:
    thread = ends.answers("ok 1\r\nmore\r\nring> ", "ring> ", "ok 3\r\nring> ")
    assert ends.serial.command("tick", soon()) == "ok 1\nmore"
    assert ends.serial.command("tack", soon()) == ""
    assert ends.serial.command("tock", soon()) == "ok 3"
    thread.join()
    written = ends.serial.transcript.read_text()
    assert [word in written for word in ("tick", "tack", "tock")] == [True] * 3


def test_what_comes_unasked_is_not_a_reply(ends: Ends) -> None:
    ends.says("ring> ")
    ends.serial.expect_prompt(soon())
    ends.says("timer: late news\r\nring> ")
    thread = ends.answers("tick\r\nok\r\nring> ")
    assert ends.serial.command("tick", soon()) == "ok"
    thread.join()
    assert "late news" in ends.serial.transcript.read_text()


def test_panic_instead_of_a_prompt(ends: Ends) -> None:
    ends.says("working\r\n!! panic out of luck\r\n  at k.c:1\r\n!! end of it\r\nafter\r\n")
    with pytest.raises(LastWords) as caught:
        ends.serial.expect_prompt(soon())
    assert caught.value.opening == "panic"
    assert caught.value.block == ("!! panic out of luck", "  at k.c:1", "!! end of it")


def test_exception_that_comes_in_pieces(ends: Ends) -> None:
    pieces = ["!! excep", "tion 14\r\n  cr2 ", "0x10\r\n!", "! end\r\n"]
    thread = threading.Thread(target=lambda: list(map(ends.says, pieces)))
    thread.start()
    with pytest.raises(LastWords) as caught:
        ends.serial.expect_prompt(soon())
    thread.join()
    assert caught.value.opening == "exception"
    assert caught.value.block == ("!! exception 14", "  cr2 0x10", "!! end")


@pytest.mark.parametrize("cut", range(1, len("!! end panic\r\n")))
def test_closing_line_that_comes_in_pieces(ends: Ends, cut: int) -> None:
    closing = "!! end panic\r\n"
    ends.says("!! panic out of luck\r\n" + closing[:cut])
    thread = threading.Timer(0.01, lambda: ends.says(closing[cut:]))
    thread.start()
    with pytest.raises(LastWords) as caught:
        ends.serial.expect_prompt(soon())
    thread.join()
    assert caught.value.block == ("!! panic out of luck", "!! end panic")


def test_panic_text_within_a_line_is_none(ends: Ends) -> None:
    ends.says("echo !! panic\r\n" * 200 + "ring> ")
    assert ends.serial.expect_prompt(soon()).count("!! panic") == 200


def test_panic_text_within_a_line_is_none_wherever_reads_and_searches_begin(ends: Ends) -> None:
    for character in "x!! panic" + "y" * LOOKBACK + "!! panic":
        ends.says(character)
        with pytest.raises(SerialTimeout):
            ends.serial.expect_prompt(Deadline(0))


def test_last_words_since_the_prompt_are_found_before_the_next_command(ends: Ends) -> None:
    ends.says("ring> ")
    ends.serial.expect_prompt(soon())
    ends.serial.check()
    ends.says("tock\r\n!! panic in an interrupt\r\n!! end\r\n")
    with pytest.raises(LastWords, match="in an interrupt"):
        ends.serial.command("tick", soon())


def test_last_words_without_a_closing_line_end_with_silence(tmp_path: Path) -> None:
    console = KernelConfig(elf=Path("k"), image=Path("k"), prompt="> ", panic="PANIC")
    ours, guest = socket.socketpair()
    serial = make(ours, console, tmp_path)
    guest.sendall(b"kernel: PANIC: all lost\nrip 0x10\n")
    with pytest.raises(LastWords) as caught:
        serial.expect_prompt(soon())
    assert caught.value.block == ("kernel: PANIC: all lost", "rip 0x10")
    serial.outputs.close()
    guest.close()


def test_end_of_the_line(ends: Ends) -> None:
    ends.says("half a li")
    ends.guest.close()
    with pytest.raises(SerialClosed):
        ends.serial.expect_prompt(soon())
    assert ends.serial.tail() == "half a li"
    with pytest.raises(SerialClosed):
        ends.serial.send("x")


def test_guest_that_takes_no_input(ends: Ends) -> None:
    with pytest.raises(SerialTimeout, match="does not take its input"):
        ends.serial.send("x" * 10_000_000, now())


@pytest.mark.parametrize("line", ["a\nb", "a\r"])
def test_one_line_at_a_time(ends: Ends, line: str) -> None:
    with pytest.raises(ValueError, match="one line at a time"):
        ends.serial.command(line, soon())


def test_tail_has_what_is_unread_and_does_not_take_it(ends: Ends) -> None:
    ends.says("one\r\ntwo\r\nring> ")
    assert ends.serial.tail(2) == "two\nring> "
    assert ends.serial.expect_prompt(soon()) == "one\ntwo"


def test_bytes_that_are_no_text(ends: Ends) -> None:
    ends.guest.sendall(b"\xff\xfe\0\r\nring> ")
    assert "�" in ends.serial.expect_prompt(soon())


def test_alarm_ends_a_wait_but_not_before_what_was_said(ends: Ends) -> None:
    class Rang(Exception):
        pass

    def ring() -> None:
        raise Rang

    bell, button = socket.socketpair()
    ends.serial.outputs.watch(bell.fileno(), ring)
    button.send(b"!")
    ends.says("ring> ")
    assert ends.serial.expect_prompt(soon()) == ""
    with pytest.raises(Rang):
        ends.serial.expect_prompt(soon())
    bell.close()
    button.close()
