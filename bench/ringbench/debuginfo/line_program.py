"""A line-number program of DWARF, run row by row (DWARF 5, 6.2.5).

pyelftools makes a list of all its instructions, at half a kilobyte each; a program of some
megabytes, let alone one that was made to be large, is too much for that. Here a row is there as
long as it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ringbench.errors import ImageError

_COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE = 1, 2, 3, 4
_CONST_ADD_PC, _FIXED_ADVANCE_PC = 8, 9
_END_SEQUENCE, _SET_ADDRESS = 1, 2
_LAST_SPECIAL: Final = 255
_LONGEST_NUMBER: Final = 20


class Row(NamedTuple):
    """A row of the table, as far as it says which line an instruction belongs to."""

    address: int
    file: int
    line: int
    end_sequence: bool


def rows(header: Any, program: bytes) -> Iterator[Row]:
    """Yield the rows that a program makes; `header` is pyelftools's, of its table.

    Raises:
        ImageError: it is none.
    """
    base, span = header["line_base"], header["line_range"]
    unit, first = header["minimum_instruction_length"], header["opcode_base"]
    lengths = [0, *header["standard_opcode_lengths"]]
    if not span or len(lengths) != first:
        raise ImageError("a line-number program whose header cannot be")
    reader = _Reader(program)
    while reader.left:
        address, file, line = 0, 1, 1
        ended = False
        while reader.left and not ended:
            code = reader.byte()
            if code >= first:
                advance, step = divmod(code - first, span)
                address += advance * unit
                line += base + step
                yield Row(address, file, line, False)
            elif code == 0:
                length = reader.unsigned()
                inner = _Reader(reader.bytes(length))
                extended = inner.byte()
                if extended == _SET_ADDRESS:
                    address = int.from_bytes(inner.bytes(inner.left), "little")
                elif extended == _END_SEQUENCE:
                    yield Row(address, file, line, True)
                    ended = True
            elif code == _COPY:
                yield Row(address, file, line, False)
            elif code == _ADVANCE_PC:
                address += reader.unsigned() * unit
            elif code == _ADVANCE_LINE:
                line += reader.signed()
            elif code == _SET_FILE:
                file = reader.unsigned()
            elif code == _CONST_ADD_PC:
                address += (_LAST_SPECIAL - first) // span * unit
            elif code == _FIXED_ADVANCE_PC:
                address += int.from_bytes(reader.bytes(2), "little")
            else:  # what sets nothing of a row here, or is of a later version
                for _ in range(lengths[code]):
                    reader.unsigned()


class _Reader:
    """Takes numbers off bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def byte(self) -> int:
        """Take one."""
        return self.bytes(1)[0]

    def bytes(self, count: int) -> bytes:
        """Take some."""
        if count > self.left:
            raise ImageError("a line-number program that is cut")
        self._at += count
        return self._data[self._at - count : self._at]

    def unsigned(self) -> int:
        """Take an unsigned LEB128 number (DWARF 5, 7.6)."""
        return self._number()[0]

    def signed(self) -> int:
        """Take a signed LEB128 number."""
        number, bits = self._number()
        return number - (1 << bits) if number >> bits - 1 & 1 else number

    def _number(self) -> tuple[int, int]:
        number = bits = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << bits
            bits += 7
            if byte < 0x80:
                return number, bits
            if bits > _LONGEST_NUMBER * 7:
                raise ImageError("a line-number program with a number too long")
