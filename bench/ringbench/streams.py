"""Standard input, output and errors, in whatever state they are when the bench starts and later on.

A closed one leaves its number to the next file that is opened, a full or abandoned one fails at
every write, and what is in its buffer at the end of the process fails once more. Here the numbers
are kept taken, and each stream fails in one way: standard output with an exception that says so,
standard error not at all, because what is written there is said beside the result.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import Final

from ringbench.errors import OutputClosed, OutputError

STDIN, STDOUT, STDERR = range(3)
ENCODING: Final = "utf-8"


def hold_descriptors() -> None:
    """Open `/dev/null` for each of the descriptors 0 to 2 that is closed.

    Or else the next file to be opened gets the number, and whoever prints writes into that file:
    QEMU its log into guest memory, for one.
    """
    for number in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(number)
        except OSError:
            taken = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if taken == number:
                os.set_inheritable(taken, True)
            else:  # another thread was quicker
                os.close(taken)


class Output(io.FileIO):
    """Standard output, whose failures are typed; `forgiving` from when they do not matter more."""

    forgiving = False

    def write(self, data: object) -> int:
        """Write all that fits; wait if the other end is slow.

        Raises:
            OutputClosed: nobody reads it any more.
            OutputError: it cannot take more.
        """
        try:
            while (written := super().write(data)) is None:  # type: ignore[arg-type]
                select.select((), (self,), ())
            return written
        except OSError as error:
            if self.forgiving:
                return _length(data)
            if error.errno == errno.EPIPE:
                raise OutputClosed("nobody reads standard output any more") from None
            why = error.strerror
            raise OutputError(f"standard output cannot be written: {why}") from None


class Errors(io.FileIO):
    """Standard error; what cannot be written is lost."""

    def write(self, data: object) -> int:
        """Write what can be written."""
        try:
            written = super().write(data)  # type: ignore[arg-type]
        except OSError:
            written = None
        return _length(data) if written is None else written


def take_over() -> Output:
    """Have Python print through `Output` and `Errors`, for a process that is all the bench's own.

    A character that the encoding of the terminal does not have is written as its number.
    """
    hold_descriptors()
    if sys.stdin is None:
        sys.stdin = open(STDIN, closefd=False)  # noqa: SIM115 - for as long as the process
    output = Output(STDOUT, "wb", closefd=False)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(Errors(STDERR, "wb", closefd=False), sys.stderr)
    return output


def _text(raw: io.FileIO, before: io.TextIOBase | object) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or ENCODING
    is_at_once = isinstance(raw, Errors) or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=is_at_once
    )


def _length(data: object) -> int:
    return memoryview(data).nbytes  # type: ignore[arg-type]
