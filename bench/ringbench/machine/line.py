"""What pexpect needs to search a guest's serial line fast and rightly.

Two things differ from its own `SocketSpawn` and `searcher_re`, both for measured reasons:

- A guest's bytes come one or a few at a time, and with pexpect's defaults each read sleeps
  0.1 ms and searches the whole reply again. Here only what is new is searched, with enough of
  what came before it for a pattern that straddles two reads.
- pexpect searches a window, and ``^`` also matches where the window happens to begin, in the
  middle of a line. Here every search starts one byte inside, so that ``^`` means a line's
  start; for that, what follows a prompt is read as if a line end stood before it.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

import pexpect
from pexpect.expect import searcher_re
from pexpect.socket_pexpect import SocketSpawn

from ringbench.machine.deadline import IDLE_SECONDS, Deadline

if TYPE_CHECKING:  # generic for the type checker only
    BytesSearcher = searcher_re[bytes]
    BytesSpawn = SocketSpawn[bytes]
else:
    BytesSearcher = searcher_re
    BytesSpawn = SocketSpawn

READ = 1 << 16
LOOKBACK = 1024  # the longest text, in bytes, that a pattern is sure to be found in
_ANYTHING = re.compile(rb"(?s).+")


class Searcher(BytesSearcher):
    """Finds the earliest match of any of `patterns`, past the first byte of what it is given."""

    longest_string = LOOKBACK  # pexpect keeps this much of what has been searched

    def __init__(self, patterns: Sequence[re.Pattern[bytes]]) -> None:
        super().__init__([])
        self._all = patterns

    def search(self, buffer: bytes, freshlen: int, searchwindowsize: int | None = None) -> int:
        """Return the index of the pattern that matches first, or -1: pexpect's own protocol."""
        found = -1
        for index, pattern in enumerate(self._all):
            match = pattern.search(buffer, 1)
            if match is not None and (found < 0 or match.start() < self.start):
                found, self.match = index, match
                self.start, self.end = match.span()
        return found


class Line(BytesSpawn):
    """The socket that is the guest's serial line; all that comes is written to `transcript`."""

    def __init__(self, connection: socket.socket, transcript: IO[bytes]) -> None:
        super().__init__(connection, maxread=READ)
        self.transcript = transcript
        self.delayafterread = None
        self._alarm: Callable[[], None] | None = None
        self._idle: Callable[[], None] | None = None
        self._unread = b""
        self._poller = select.poll()
        self._poller.register(connection, select.POLLIN)

    def watch(self, fileno: int, alarm: Callable[[], None], idle: Callable[[], None]) -> None:
        """Call `alarm` when `fileno` is readable and the line is not, `idle` while neither is.

        Both may raise.
        """
        self._poller.register(fileno, select.POLLIN)
        self._alarm, self._idle = alarm, idle

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> bytes:
        """Return at most `size` bytes: pexpect's own method, as its base class has it."""
        if self._unread:
            data, self._unread = self._unread[:size], self._unread[size:]
            return data
        deadline = Deadline(max(timeout or 0.0, 0.0))
        while True:
            ready = self._poller.poll(min(deadline.remaining(), IDLE_SECONDS) * 1000)
            if any(descriptor == self.child_fd for descriptor, _ in ready):
                return self._receive(size)
            if self._alarm is not None and ready:
                self._alarm()
            if self._idle is not None and not ready:
                self._idle()
            if deadline.expired:
                raise pexpect.TIMEOUT("nothing came")

    def _receive(self, size: int) -> bytes:
        try:
            data = self.socket.recv(size)
        except OSError:
            data = b""
        if not data:
            self.flag_eof = True
            raise pexpect.EOF("QEMU closed the line")
        self.transcript.write(data)
        return data

    def take(self, seconds: float) -> bytes:
        """Return what is or comes within `seconds`; empty at silence and at the end."""
        watchers = self._alarm, self._idle
        self._alarm = self._idle = None
        try:
            return self.read_nonblocking(READ, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return b""
        finally:
            self._alarm, self._idle = watchers

    def put_back(self, data: bytes) -> None:
        """Have `data` read again, before anything else."""
        self._unread = data + self._unread

    def rewind(self) -> None:
        """Put back what pexpect has read and not matched."""
        if self.buffer:
            self.expect_list([_ANYTHING], timeout=0)
            if isinstance(self.after, bytes):
                self.put_back(self.after)

    def peek(self) -> bytes:
        """Return all that has come and was not matched, and leave it to be read."""
        self.rewind()
        found, self._unread = self._unread, b""
        while data := self.take(0):
            found += data
        self._unread = found
        return found

    def drop(self) -> None:
        """Forget all that has come and was not matched."""
        self.peek()
        self._unread = b""
