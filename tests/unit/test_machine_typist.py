"""Keys of a US keyboard: which are pressed for a text."""

from typing import Any, cast

import pytest

from ringbench.errors import MachineError
from ringbench.machine.deadline import Deadline
from ringbench.machine.qmp import Qmp
from ringbench.machine.typist import KeyTypist


class Monitor:
    """Stands for QEMU's monitor, and remembers the keys."""

    def __init__(self) -> None:
        self.chords: list[str] = []

    def command(self, name: str, **arguments: Any) -> None:
        assert name == "send-key"
        self.chords.append("-".join(key["data"] for key in arguments["keys"]))


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("a1 \n", ["a", "1", "spc", "ret"]),
        ("A_|?", ["shift-a", "shift-minus", "shift-backslash", "shift-slash"]),
        ("\t\b\x7f\x1b", ["tab", "backspace", "backspace", "esc"]),
        ("\x03\x1a", ["ctrl-c", "ctrl-z"]),
        ("x\x1b[A\x1b[3~\x1b", ["x", "up", "delete", "esc"]),
    ],
)
def test_what_is_pressed(text: str, chords: list[str]) -> None:
    monitor = Monitor()
    typist = KeyTypist(cast(Qmp, monitor))
    typist.type(text, Deadline(1))
    assert monitor.chords == chords
    assert typist.untaken()


def test_a_text_with_a_key_that_is_not_there_is_not_begun() -> None:
    monitor = Monitor()
    with pytest.raises(MachineError, match="'ä' cannot be typed"):
        KeyTypist(cast(Qmp, monitor)).type("aä", Deadline(1))
    assert monitor.chords == []
