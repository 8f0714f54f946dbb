"""The kernel's console: wait for the prompt, type a line, take the reply.

While waiting for the kernel this also listens to what else may make the wait pointless
(`watch`): QEMU's events, so that a guest that has reset itself is known at once and not at the
deadline. What the guest said before such an event is always taken first.
"""

from __future__ import annotations

import fcntl
import re
import socket
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pexpect

from ringbench.config import KernelConfig
from ringbench.errors import (
    Evidence,
    LastWords,
    MachineError,
    SerialClosed,
    SerialTimeout,
    no_evidence,
)
from ringbench.machine.deadline import Deadline
from ringbench.machine.line import LOOKBACK, Line, Searcher

QUIET = 0.2  # seconds of silence that close last words without a closing line of their own
LAST_WORDS_SECONDS = 2.0  # a kernel that has begun its last words gets no longer than this

Opening = Literal["panic", "exception"]


class Serial:
    """The console of one guest, as its configuration describes it."""

    def __init__(
        self,
        connection: socket.socket,
        console: KernelConfig,
        transcript: Path,
        evidence: Evidence = no_evidence,
    ) -> None:
        self.transcript = transcript
        self._log = transcript.open("wb", buffering=0)
        self._line = Line(connection, self._log)
        self._line_end = console.line_end
        self._shown = console.prompt
        self.evidence = evidence
        self._echoes: bool | None = None
        self._waiting = False
        prompt = re.compile(rb"(?:\r?\n\r?|\r)" + re.escape(console.prompt.encode()))
        self._openings: list[tuple[Opening, re.Pattern[bytes]]] = []
        if console.panic is not None:
            self._openings.append(("panic", _compile(console.panic)))
        if console.exception is not None:
            self._openings.append(("exception", _compile(console.exception)))
        # The whole line, its end included: half of it may come before the other half.
        self._end = _compile(f"(?:{console.end})[^\r\n]*[\r\n]") if console.end else None
        self._searcher = Searcher([prompt, *(pattern for _, pattern in self._openings)])

    def fileno(self) -> int:
        """File descriptor that becomes readable when the guest says something."""
        return self._line.socket.fileno()

    def watch(self, fileno: int, alarm: Callable[[], None], idle: Callable[[], None]) -> None:
        """Call `alarm` when `fileno` is readable during a wait, `idle` while nothing comes.

        Each may raise to end the wait.
        """
        self._line.watch(fileno, alarm, idle)

    def expect_prompt(self, deadline: Deadline) -> str:
        """Wait for the prompt at the start of a line and return the lines before it.

        Raises:
            LastWords: the kernel panicked or reported an exception instead.
            SerialTimeout: no prompt in time.
            SerialClosed: QEMU is gone.
        """
        if not self._waiting:
            self._line.put_back(b"\r\n")  # the line end that `ringbench.machine.line` speaks of
            self._waiting = True
        try:
            found = self._line.expect_loop(self._searcher, timeout=deadline.remaining())
        except pexpect.TIMEOUT:
            error = SerialTimeout(f"no prompt within {deadline.seconds:g} s")
            raise self.evidence(error) from None
        except pexpect.EOF:
            raise self.evidence(SerialClosed("QEMU closed the serial line")) from None
        self._waiting = False
        before, after = _bytes(self._line.before), _bytes(self._line.after)
        self._line.rewind()
        if found == 0:
            return _text(before).removeprefix("\n")
        begun = before[_line_start(before) :] + after
        raise self._last_words(self._openings[found - 1][0], begun)

    def command(self, line: str, deadline: Deadline) -> str:
        """Type `line` and return the reply: no echo, no prompt, lines separated by a newline.

        The echo is told from the reply by being the same text: a first line that is exactly
        what was typed is left out.

        Raises:
            ValueError: it begins with the prompt's text, or has a line end inside.
            LastWords, SerialTimeout, SerialClosed: as for `expect_prompt`.
        """
        self.begin(line, deadline)
        return self.finish(line, deadline)

    def begin(self, line: str, deadline: Deadline) -> None:
        """Type `line` as `command` does, and leave the reply to `finish`.

        Raises:
            ValueError, LastWords, SerialTimeout, SerialClosed: as for `command`.
        """
        if line.startswith(self._shown):
            raise ValueError(f"the echo of {line!r} could not be told from the prompt")
        self.check()
        self._line.drop()
        self._waiting = False
        self.send(line, deadline)

    def finish(self, line: str, deadline: Deadline) -> str:
        """Return the reply to the `line` that `begin` typed.

        Raises:
            LastWords, SerialTimeout, SerialClosed: as for `expect_prompt`.
        """
        reply = self.expect_prompt(deadline)
        first, _, rest = reply.partition("\n")
        echoed = first == line
        if not echoed and self._echoes is None:
            self._record(line)
        self._echoes = echoed
        return (rest if echoed else reply).strip("\n")

    def nudge(self) -> None:
        """Type a NUL, which consoles ignore, for the interrupt that it causes.

        That QEMU is gone, if it is, is for whoever waits to find out.
        """
        with suppress(OSError):
            self._line.socket.sendall(b"\0")

    def send(self, line: str, deadline: Deadline | None = None) -> None:
        """Type `line` and what ends it, and do not wait for anything.

        Raises:
            ValueError: it has a line end inside.
            SerialTimeout: the guest does not take its input.
            SerialClosed: QEMU is gone.
        """
        if "\n" in line or "\r" in line:
            raise ValueError(f"one line at a time, not {line!r}")
        if self._echoes is False:
            self._record(line)
        connection = self._line.socket
        connection.settimeout(max(deadline.remaining() if deadline else 1.0, 1e-3))
        try:
            connection.sendall((line + self._line_end).encode())
        except TimeoutError:
            error = SerialTimeout("the guest does not take its input")
            raise self.evidence(error) from None
        except OSError:
            raise self.evidence(SerialClosed("QEMU closed the serial line")) from None

    def check(self) -> None:
        """Look whether the kernel has said its last words since the prompt; never waits.

        Raises:
            LastWords: it has.
        """
        stray = self._line.peek()
        for opening, pattern in self._openings if stray else ():
            if match := pattern.search(stray):
                self._line.drop()
                raise self._last_words(opening, stray[_line_start(stray[: match.start()]) :])

    def tail(self, lines: int = 40) -> str:
        """Return the last `lines` lines of the transcript, what is not yet read included."""
        if not self._log.closed:
            self._line.peek()
        try:
            with self.transcript.open("rb") as log:
                size = log.seek(0, 2)
                log.seek(max(0, size - 200 * lines))
                return "\n".join(_text(log.read()).split("\n")[-lines:])
        except FileNotFoundError:  # it went with the machine's private folder
            return ""

    def settle(self, deadline: Deadline) -> None:
        """Wait until all that was typed has been taken; if it is not by then, that is no error."""
        while self.untaken() and not deadline.expired:
            time.sleep(0.001)

    def untaken(self) -> bool:
        """Whether something that was typed has not been taken by QEMU yet."""
        if self.fileno() < 0:
            return False
        # For a Unix socket this is what the other end has not read: Linux, unix(7), SIOCOUTQ.
        count = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return struct.unpack("i", count) != (0,)

    def restart(self, transcript: Path, said: bytes) -> None:
        """Forget all that came, and go on in a new transcript, which begins with `said`.

        Raises:
            OSError: the new transcript cannot be written.
        """
        self._line.drop()
        log = transcript.open("wb", buffering=0)
        log.write(said)
        self._log.close()
        self.transcript = transcript
        self._log = self._line.transcript = log
        self._waiting = False
        self._echoes = None

    def close(self) -> None:
        """Take what is left into the transcript and close the line."""
        if not self._log.closed:
            self._line.peek()
            self._log.close()
        self._line.socket.close()

    def _record(self, line: str) -> None:
        """Put what was typed into the transcript, for a console that does not show it."""
        self._log.write(f"{line}\n".encode())

    def _last_words(self, opening: Opening, begun: bytes) -> MachineError:
        """Read on from the opening line to the block's end, and make the exception of it."""
        block = begun
        at = len(begun) if b"\n" not in begun else begun.index(b"\n")
        deadline = Deadline(LAST_WORDS_SECONDS)
        while not (closed := self._end and self._end.search(block, at)):
            wait = deadline.remaining() if self._end else min(QUIET, deadline.remaining())
            more = self._line.take(wait)
            if not more or deadline.expired:
                break
            at = max(at, len(block) - LOOKBACK)
            block += more
        if closed:
            block = block[: closed.end()]
        words = tuple(_text(block).strip("\n").split("\n"))
        return self.evidence(LastWords(opening, words))


def _compile(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.MULTILINE)


def _line_start(text: bytes) -> int:
    """Return where the last line of `text` begins."""
    return max(text.rfind(b"\n"), text.rfind(b"\r")) + 1


def _bytes(found: object) -> bytes:
    """Return what pexpect found as bytes; it is never anything else after a match."""
    assert isinstance(found, bytes)
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
