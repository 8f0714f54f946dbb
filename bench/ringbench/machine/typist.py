"""How a line gets to a kernel: over a serial port, or as keys of its keyboard."""

from __future__ import annotations

import fcntl
import re
import socket
import struct
import termios
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress

from ringbench.errors import MachineError, SerialClosed, SerialTimeout
from ringbench.machine.deadline import Deadline
from ringbench.machine.qmp import Qmp

HOLD_MS = 10  # of guest time that a key is down, and up again: what any driver keeps up with
# QEMU 7.2, qapi/ui.json, QKeyCode. A US layout; behind each key what it is with shift.
KEYS = {
    **{key: key for key in "abcdefghijklmnopqrstuvwxyz0123456789"},
    "\n": "ret",
    "\r": "ret",
    "\t": "tab",
    " ": "spc",
    "\b": "backspace",
    "\x1b": "esc",
    "-": "minus",
    "=": "equal",
    "[": "bracket_left",
    "]": "bracket_right",
    ";": "semicolon",
    "'": "apostrophe",
    "`": "grave_accent",
    "\\": "backslash",
    ",": "comma",
    ".": "dot",
    "/": "slash",
    "\x7f": "backspace",
}
SHIFTED = dict(
    zip(
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()_+{}:"~|<>?',
        "abcdefghijklmnopqrstuvwxyz1234567890-=[];'`\\,./",
        strict=True,
    )
)

# What a terminal sends for keys that have no character (ECMA-48; xterm, ctlseqs).
SEQUENCES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1b[2~": "insert",
    "\x1b[3~": "delete",
    "\x1b[5~": "pgup",
    "\x1b[6~": "pgdn",
}
_KEY = re.compile("|".join(map(re.escape, SEQUENCES)) + "|.", re.DOTALL)
_CONTROL = range(1, 27)


class Typist(ABC):
    """Types at a guest."""

    @abstractmethod
    def type(self, text: str, deadline: Deadline) -> None:
        """Type `text`.

        Raises:
            SerialTimeout: the guest does not take its input.
            SerialClosed: QEMU is gone.
            MachineError: there is no such key.
        """

    @abstractmethod
    def untaken(self) -> bool:
        """Whether something that was typed has not been taken by QEMU yet."""

    def nudge(self) -> None:
        """Type what consoles ignore, for the interrupt that it causes; if there is such a thing."""
        return


class PortTypist(Typist):
    """Types over a serial port."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def type(self, text: str, deadline: Deadline) -> None:
        """Type `text`, as `Typist.type` says."""
        self._line.settimeout(max(deadline.remaining(), 1e-3))
        try:
            self._line.sendall(text.encode())
        except TimeoutError:
            raise SerialTimeout("the guest does not take its input") from None
        except OSError:
            raise SerialClosed("QEMU closed the serial line") from None

    def untaken(self) -> bool:
        """Whether QEMU has yet to take something that was typed."""
        if self._line.fileno() < 0:
            return False
        # For a Unix socket this is what the other end has not read: Linux, unix(7), SIOCOUTQ.
        count = fcntl.ioctl(self._line.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return struct.unpack("i", count) != (0,)

    def nudge(self) -> None:
        """Type a NUL. That QEMU is gone, if it is, is for whoever waits to find out."""
        with suppress(OSError):
            self._line.sendall(b"\0")


class KeyTypist(Typist):
    """Presses and lets go keys of a US keyboard, one after the other, at the guest's own pace."""

    def __init__(self, qmp: Qmp) -> None:
        self._qmp = qmp
        self._done = 0.0

    def type(self, text: str, deadline: Deadline) -> None:
        """Type `text`, as `Typist.type` says."""
        for chord in [_chord(key) for key in _KEY.findall(text)]:
            self.press(chord)

    def press(self, chord: Sequence[str]) -> None:
        """Press keys of the names that QEMU has for them, all at once, and let them go.

        Raises:
            QmpError: there is no such key, or QEMU is gone.
        """
        keys = [{"type": "qcode", "data": key} for key in chord]
        self._qmp.command("send-key", keys=keys, hold_time=HOLD_MS)
        self._done = max(time.monotonic(), self._done) + 2 * HOLD_MS / 1000

    def untaken(self) -> bool:
        """Whether QEMU has yet to take something that was typed."""
        return time.monotonic() < self._done


def _chord(character: str) -> tuple[str, ...]:
    if character in SEQUENCES:
        return (SEQUENCES[character],)
    if character in SHIFTED:
        return ("shift", KEYS[SHIFTED[character]])
    if character not in KEYS and ord(character) in _CONTROL:
        return ("ctrl", chr(ord(character) | 0x60))
    if character not in KEYS:
        raise MachineError(f"{character!r} cannot be typed: a US keyboard has no such key")
    return (KEYS[character],)
