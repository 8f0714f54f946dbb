"""What a guest says in one place: kept in a file as it came, and as lines until it is taken."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from ringbench.machine.terminal import shown

LONGEST_LINE = 1 << 16  # bytes; a line that goes on is cut here


class Output:
    """One output of a guest, such as "com1".

    `lines` has the complete lines that nobody has taken, `last` is the one that has no end yet.
    """

    def __init__(self, name: str, transcript: Path) -> None:
        self.name = name
        self.transcript = transcript
        self.lines: list[str] = []
        self.heard = 0  # bytes, ever
        self.judged = 0  # lines that have been searched for the kernel's last words
        self._partial = b""
        self._last: str | None = None
        self._log: IO[bytes] | None = None

    @property
    def last(self) -> str:
        """The line that has no end yet, as a terminal shows it."""
        if self._last is None:
            self._last = shown(self._partial)
        return self._last

    @property
    def spoke(self) -> bool:
        """Whether anything has come since the start, or since it was restarted."""
        return self.heard > 0

    def add(self, data: bytes) -> None:
        """Take what the guest said."""
        self.record(data)
        self.heard += len(data)
        *whole, self._partial = (self._partial + data).split(b"\n")
        self.lines.extend(shown(line) for line in whole)
        if len(self._partial) > LONGEST_LINE:
            self.lines.append(shown(self._partial))
            self._partial = b""
        self._last = None

    def record(self, data: bytes) -> None:
        """Write something to the file only."""
        if self._log is None:
            self._log = self.transcript.open("ab", buffering=0)
        self._log.write(data)

    def take(self, lines: int | None = None, columns: int | None = None) -> str:
        """Take so many lines and columns of the next one, by default all, and return the text."""
        if lines is None:
            lines, columns = len(self.lines), None
        taken, self.lines = self.lines[:lines], self.lines[lines:]
        rest = self.lines[0] if self.lines else self.last
        text = "\n".join([*taken, rest[:columns]])
        if self.lines:
            self.lines[0] = rest[len(rest) if columns is None else columns :]
        else:
            self._partial = b"" if columns is None else rest[columns:].encode()
            self._last = None
        self.judged = max(0, self.judged - lines)
        return text

    def take_to(self, end: int) -> None:
        """Take so many characters of what nobody has taken."""
        text = "\n".join([*self.lines, self.last])
        self.take(text.count("\n", 0, end), end - (text.rfind("\n", 0, end) + 1))

    def tail(self, lines: int | None = None) -> str:
        """Return the end of all that it said, as a terminal shows it; without `lines`, all."""
        try:
            with self.transcript.open("rb") as log:
                if lines is not None:
                    size = log.seek(0, 2)
                    log.seek(max(0, size - 200 * lines))
                said = log.read().split(b"\n")
        except FileNotFoundError:  # nothing was said, or the machine's private folder is gone
            return ""
        return "\n".join(shown(line) for line in said[-(lines or 0) :])

    def restart(self, transcript: Path, said: bytes) -> None:
        """Forget all that came, and go on in a new file, which begins with `said`.

        Raises:
            OSError: the file cannot be written.
        """
        self.close()
        self.transcript = transcript
        self.take()
        self._partial, self.judged, self.heard = b"", 0, 0
        if said:
            transcript.write_bytes(said)
            self.heard = len(said)
        else:
            transcript.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()
            self._log = None
