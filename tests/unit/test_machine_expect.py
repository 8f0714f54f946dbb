"""What a user waits for on outputs, with sockets in the guest's place."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbench.errors import SerialTimeout
from ringbench.machine.deadline import Deadline
from ringbench.machine.expect import wait_for
from ringbench.machine.found import Awaited, Found
from ringbench.machine.outputs import Outputs


class Guest:
    """Two outputs, and the guest's ends of them."""

    def __init__(self, folder: Path) -> None:
        pairs = {name: socket.socketpair() for name in ("com1", "com2")}
        self.outputs = Outputs({name: pair[0] for name, pair in pairs.items()}, folder)
        self._ends = {name: pair[1] for name, pair in pairs.items()}

    def says(self, text: str, name: str = "com1") -> None:
        self._ends[name].sendall(text.encode())

    def expect(self, *awaited: Awaited, seconds: float = 5) -> Found:
        names = list(self.outputs.by_name)
        return wait_for(self.outputs, names, awaited, Deadline(seconds), lambda: None)

    def close(self) -> None:
        self.outputs.close()
        for end in self._ends.values():
            end.close()


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path)
    yield guest
    guest.close()


def test_the_first_of_several_in_the_order_of_what_was_said(guest: Guest) -> None:
    guest.says("one\r\ntwo three\r\n")
    found = guest.expect("three", re.compile("^t(w)o"))
    assert (found.index, found.before, found.text) == (1, "one\n", "two")
    assert found.match is not None
    assert found.match[1] == "w"
    assert guest.expect("three").before == " "


def test_which_output_it_was(guest: Guest) -> None:
    guest.says("up\r\n")
    guest.says("log: done\n", "com2")
    found = guest.expect("done")
    assert (found.output, found.before) == ("com2", "log: ")
    assert guest.expect("up").output == "com1"


def test_what_was_written_over_was_never_there(guest: Guest) -> None:
    guest.says("\r\x1b[K> err\x1b[3D\x1b[Kok")
    assert guest.expect("err", "ok").text == "ok"


def test_what_one_wait_did_not_find_another_can(guest: Guest) -> None:
    guest.says("wanted\r\n" + "filler\r\n" * 50)
    with pytest.raises(SerialTimeout, match=r"no 'absent' or 'x\+y' within 0\.01 s"):
        guest.expect("absent", re.compile("x+y"), seconds=0.01)
    assert guest.expect("wanted").before == ""


def test_a_pattern_gets_all_that_belongs_to_it(guest: Guest) -> None:
    guest.says("value 12")
    guest.says("34\r\n")
    assert guest.expect(re.compile(r"\d+")).text == "1234"


def test_a_pattern_across_lines(guest: Guest) -> None:
    guest.says("filler\r\n" * 20 + "begin\r\nmiddle\r\nend\r\n")
    found = guest.expect(re.compile(r"begin\n.*\nend$"))
    assert found.text == "begin\nmiddle\nend"
    assert found.before == "filler\n" * 20


def test_patterns_are_the_users_own(guest: Guest) -> None:
    guest.says("A.B\r\naxb\r\n")
    assert guest.expect("a.b", re.compile("a.b", re.IGNORECASE)).text == "A.B"
