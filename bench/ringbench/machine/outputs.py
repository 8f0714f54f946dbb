"""All that a guest says, wherever it says it: one wait for everything.

While something is awaited this also listens to what may make the wait pointless (`watch`): QEMU's
events, so that a guest that has reset itself is known at once and not at the deadline. What the
guest said before such an event is always taken first. While nothing comes, whoever may know that
nothing can come any more is asked now and then (`idle`).
"""

from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ringbench.errors import Evidence, QmpError, SerialClosed, no_evidence
from ringbench.machine.deadline import IDLE_SECONDS, Deadline
from ringbench.machine.output import Output
from ringbench.machine.screen import Screen

READ = 1 << 16
LOOK_SECONDS = 0.05  # between two looks at the screen
FIRST_LOG = "serial.log"  # of COM1; the others are named after the output


class Outputs:
    """The outputs of one guest by name; their files are in `folder`.

    `tell`, if it is set, is given all that comes as it comes: the output's name, and the bytes.
    `idle`, if it is set, is called during a wait in which nothing comes; it may raise to end it.
    """

    def __init__(
        self, lines: Mapping[str, socket.socket], folder: Path, screen: Screen | None = None
    ) -> None:
        names = [*lines, *(["vga"] if screen else [])]
        self.by_name = {name: Output(name, folder / log_name(name)) for name in names}
        self.evidence: Evidence = no_evidence
        self.tell: Callable[[str, bytes], None] | None = None
        self.idle: Callable[[], None] | None = None
        self._lines = {line.fileno(): (line, self.by_name[name]) for name, line in lines.items()}
        self._sockets = tuple(lines.values())
        self._screen = screen
        self._looked = 0.0
        self._qmp = -1
        self._alarms: dict[int, Callable[[], None]] = {}
        self._speakers = select.poll()
        self._everything = select.poll()
        for fileno in self._lines:
            self._speakers.register(fileno, select.POLLIN)
            self._everything.register(fileno, select.POLLIN)

    def watch(self, fileno: int, alarm: Callable[[], None], *, is_qmp: bool = False) -> None:
        """Call `alarm` when `fileno` is readable during a wait; it may raise to end the wait.

        What QEMU tells by QMP may have been read already, in looking at the screen.
        """
        if is_qmp:
            self._qmp = fileno
        self._everything.register(fileno, select.POLLIN)
        self._alarms[fileno] = alarm

    def unwatch(self, fileno: int) -> None:
        """Do not listen to `fileno` any more."""
        self._everything.unregister(fileno)
        del self._alarms[fileno]

    def wait(self, deadline: Deadline, *, alarming: bool = True) -> bool:
        """Wait until the guest says something, on any output; return whether it did.

        Raises:
            SerialClosed: QEMU is gone.
            Whatever the alarm raises, or `idle`, if they are to be heard.
        """
        poller = self._everything if alarming else self._speakers
        silent = Deadline(IDLE_SECONDS)
        while True:
            patience = min(deadline.remaining(), silent.remaining() if alarming else math.inf)
            ready = [descriptor for descriptor, _ in poller.poll(self._until_look(patience))]
            came = [self._receive(fileno) for fileno in ready if fileno in self._lines]
            if self._look() or any(came):
                return True
            for fileno, alarm in list(self._alarms.items()) if alarming else ():
                if fileno not in self._alarms:
                    continue  # another alarm has just ended it
                if fileno in ready or (fileno == self._qmp and self._screen is not None):
                    alarm()
            if alarming and silent.expired:
                silent = Deadline(IDLE_SECONDS)
                if self.idle is not None:
                    self.idle()
            if alarming and not self._lines:
                raise self.evidence(SerialClosed("QEMU closed the serial line"))
            if deadline.expired:
                return False

    def drain(self, *, screen: bool = True) -> None:
        """Take all that has come; never waits, and is never alarmed.

        To look at the screen takes QEMU two milliseconds, which who does not need it can spare.
        """
        if screen:
            self._looked = 0.0
        while self.wait(Deadline(0), alarming=False):
            pass

    def spoke(self) -> list[Output]:
        """Return the outputs on which anything was said."""
        return [output for output in self.by_name.values() if output.spoke]

    def said(self) -> dict[str, bytes]:
        """Return all that was said, by output, as it came."""
        self.drain()
        return {output.name: output.transcript.read_bytes() for output in self.spoke()}

    def restart(self, folder: Path, said: Mapping[str, bytes]) -> None:
        """Forget all that came, and go on in new files, which begin with what was `said`.

        Raises:
            OSError: a file cannot be written.
        """
        self.drain()  # the screen is as it was when the guest was frozen
        for name, output in self.by_name.items():
            output.restart(folder / log_name(name), said.get(name, b""))

    def close(self) -> None:
        """Take what is left into the files, and close them and the lines."""
        self.drain()
        for line in self._sockets:
            line.close()
        for output in self.by_name.values():
            output.close()

    def _until_look(self, seconds: float) -> float:
        """Return the milliseconds to wait: no longer than until the screen is looked at."""
        if self._screen is not None:
            seconds = min(seconds, max(0.0, self._looked + LOOK_SECONDS - time.monotonic()))
        return seconds * 1000

    def _receive(self, fileno: int) -> bool:
        line, output = self._lines[fileno]
        data = b""
        with suppress(OSError):
            data = line.recv(READ)
        if data:
            self._add(output, data)
            return True
        self._speakers.unregister(fileno)
        self._everything.unregister(fileno)
        del self._lines[fileno]
        return False

    def _look(self) -> bool:
        """Look at the screen if it is time to; return whether anything is new on it."""
        if self._screen is None or time.monotonic() < self._looked + LOOK_SECONDS:
            return False
        news = b""
        with suppress(QmpError):
            news = self._screen.look()
        self._looked = time.monotonic()
        if news:
            self._add(self.by_name["vga"], news)
        return bool(news)

    def _add(self, output: Output, data: bytes) -> None:
        output.add(data)
        if self.tell is not None:
            self.tell(output.name, data)


def log_name(output: str) -> str:
    """Return the name of the file that an output is kept in."""
    return FIRST_LOG if output == "com1" else f"{output}.log"
