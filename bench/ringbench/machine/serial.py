"""The kernel's console: wait for the prompt, type a line, take the reply.

pexpect searches what comes; three of its defaults are changed, all measured: no sleep after
each read (it costs 0.1 ms a read), a search window (without one, every read searches the whole
reply again), and reads small enough that nothing can pass the window unsearched.

While waiting for the kernel this also listens to what else may make the wait pointless
(`watch`): QEMU's events, so that a guest that has reset itself is known at once and not at the
deadline. What the guest said before such an event is always taken first.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

import pexpect
from pexpect.socket_pexpect import SocketSpawn

from ringbench.config import KernelConfig
from ringbench.errors import Evidence, LastWords, SerialClosed, SerialTimeout, no_evidence
from ringbench.machine.deadline import Deadline

READ = 2048
WINDOW = 4 * READ
QUIET = 0.2  # seconds of silence that close last words without a closing line of their own
LAST_WORDS_SECONDS = 2.0  # a kernel that has begun its last words gets no longer than this

Opening = Literal["panic", "exception"]


class _Line(SocketSpawn):
    """pexpect's reader of a socket, which looks at one other descriptor while it waits."""

    def __init__(self, connection: socket.socket, log: IO[bytes]) -> None:
        super().__init__(connection, maxread=READ, searchwindowsize=WINDOW)
        self.logfile_read = log
        self.delayafterread = None
        self.alarm: Callable[[], None] | None = None
        self._unread = b""
        self._poller = select.poll()
        self._poller.register(connection, select.POLLIN)

    def watch(self, fileno: int, alarm: Callable[[], None]) -> None:
        self._poller.register(fileno, select.POLLIN)
        self.alarm = alarm

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> bytes:
        """Return at most `size` bytes: pexpect's own method, as `SpawnBase` describes it."""
        if self._unread:
            data, self._unread = self._unread[:size], self._unread[size:]
            return data
        deadline = Deadline(timeout or 0)
        while True:
            ready = self._poller.poll(deadline.remaining() * 1000)
            if any(fd == self.child_fd for fd, _ in ready):
                return self._receive(size)
            if not ready:
                raise pexpect.TIMEOUT("nothing came")
            if self.alarm is not None:
                self.alarm()

    def _receive(self, size: int) -> bytes:
        try:
            data = self.socket.recv(size)
        except OSError:
            data = b""
        if not data:
            self.flag_eof = True
            raise pexpect.EOF("QEMU closed the line")
        self._log(data, "read")
        return data

    def take(self, seconds: float) -> bytes:
        """Return what is or comes within `seconds`; empty at silence and at the end."""
        alarm, self.alarm = self.alarm, None
        try:
            return self.read_nonblocking(READ, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return b""
        finally:
            self.alarm = alarm

    def peek(self) -> bytes:
        """Read what is there already, and leave it to be read."""
        found, self._unread = self._unread, b""
        while data := self.take(0):
            found += data
        self._unread = found
        return found


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
        self._line = _Line(connection, self._log)
        self._line_end = console.line_end
        self._evidence = evidence
        self._echoes: bool | None = None
        self._prompt = re.compile(rb"(?:\A|[\r\n])" + re.escape(console.prompt.encode()))
        self._openings: list[tuple[Opening, re.Pattern[bytes]]] = []
        if console.panic is not None:
            self._openings.append(("panic", _compile(console.panic)))
        if console.exception is not None:
            self._openings.append(("exception", _compile(console.exception)))
        self._end = _compile(console.end + r".*") if console.end is not None else None
        self._searches = [self._prompt, *(pattern for _, pattern in self._openings)]

    def fileno(self) -> int:
        """File descriptor that becomes readable when the guest says something."""
        return self._line.socket.fileno()

    def watch(self, fileno: int, alarm: Callable[[], None]) -> None:
        """Call `alarm` when `fileno` is readable during a wait; it may raise to end the wait."""
        self._line.watch(fileno, alarm)

    def expect_prompt(self, deadline: Deadline) -> str:
        """Wait for the prompt at the start of a line and return the text before it.

        Raises:
            LastWords: the kernel panicked or reported an exception instead.
            SerialTimeout: no prompt in time.
            SerialClosed: QEMU is gone.
        """
        try:
            found = self._line.expect_list(self._searches, timeout=deadline.remaining())
        except pexpect.TIMEOUT:
            error = SerialTimeout(f"no prompt within {deadline.seconds:g} s")
            raise self._evidence(error) from None
        except pexpect.EOF:
            raise self._evidence(SerialClosed("QEMU closed the serial line")) from None
        before, after = bytes(self._line.before), bytes(self._line.after)
        if found == 0:
            return _text(before)
        begun = before[_line_start(before) :] + after + bytes(self._line.buffer)
        raise self._last_words(self._openings[found - 1][0], begun)

    def command(self, line: str, deadline: Deadline) -> str:
        """Type `line` and return the reply: no echo, no prompt, lines separated by a newline.

        The echo is told from the reply by being the same text: a first line that is exactly
        what was typed is left out.

        Raises:
            LastWords, SerialTimeout, SerialClosed: as for `expect_prompt`.
        """
        self.check()
        self._discard()
        self.send(line, deadline)
        reply = self.expect_prompt(deadline)
        first, _, rest = reply.partition("\n")
        echoed = first == line
        if not echoed and self._echoes is None:
            self._record(line)
        self._echoes = echoed
        return (rest if echoed else reply).strip("\n")

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
            raise self._evidence(error) from None
        except OSError:
            raise self._evidence(SerialClosed("QEMU closed the serial line")) from None

    def tail(self, lines: int = 40) -> str:
        """Return the last `lines` lines of the transcript, what is not yet read included."""
        if not self._log.closed:
            self._line.peek()
        with self.transcript.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - 200 * lines))
            return "\n".join(_text(log.read()).split("\n")[-lines:])

    def close(self) -> None:
        """Take what is left into the transcript and close the line."""
        if not self._log.closed:
            self._line.peek()
            self._log.close()
        self._line.socket.close()

    def _record(self, line: str) -> None:
        """Put what was typed into the transcript, for a console that does not show it."""
        self._log.write(f"{line}\n".encode())

    def check(self) -> None:
        """Look whether the kernel has said its last words since the prompt; never waits.

        Raises:
            LastWords: it has.
        """
        stray = bytes(self._line.buffer) + self._line.peek()
        for opening, pattern in self._openings:
            if match := pattern.search(stray):
                raise self._last_words(opening, stray[_line_start(stray[: match.start()]) :])

    def _discard(self) -> None:
        """Forget what came unasked since the prompt; it is in the transcript."""
        while self._line.peek() or self._line.buffer:
            self._line.expect_list([re.compile(rb"(?s).+")], timeout=0)

    def _last_words(self, opening: Opening, begun: bytes) -> Exception:
        """Read on from the opening line to the block's end, and make the exception of it."""
        self._discard()
        block = begun
        at = begun.find(b"\n") + 1  # the closing line is not looked for in the opening one
        deadline = Deadline(LAST_WORDS_SECONDS)
        while not (closed := self._end and self._end.search(block, at)):
            at = max(at, len(block) - WINDOW)
            wait = deadline.remaining() if self._end else min(QUIET, deadline.remaining())
            more = self._line.take(wait)
            if not more or deadline.expired:
                break
            block += more
        if closed:
            block = block[: closed.end()]
        return self._evidence(LastWords(opening, tuple(_text(block).strip("\n").split("\n"))))


def _compile(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.MULTILINE)


def _line_start(text: bytes) -> int:
    """Return where the last line of `text` begins."""
    return max(text.rfind(b"\n"), text.rfind(b"\r")) + 1


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
