"""The memory that the bench shares with the plugin, laid out as plugin/shared.h has it."""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.errors import StartError
from ringbench.machine.ram import RamMap

LAYOUT: Final = 1
RAM_RANGES: Final = 8
PAGES: Final = 32
CALLERS: Final = 24
NOWHERE: Final = (1 << 64) - 1
"""The physical address of a write to a device."""

_HEAD: Final = struct.Struct("<4Q")  # begin, end, capacity, count of RAM ranges
_RANGE: Final = struct.Struct("<3Q")
_PAGES_AT: Final = _HEAD.size + RAM_RANGES * _RANGE.size
_FOUND: Final = struct.Struct("<3Q")  # layout, instructions, written
_FOUND_AT: Final = _PAGES_AT + 8 + PAGES * _RANGE.size
_RECORDS_AT: Final = _FOUND_AT + _FOUND.size
_RECORD: Final = struct.Struct(f"<9Q{CALLERS}Q")


@dataclass(frozen=True, slots=True)
class Record:
    """One write, as the plugin saw it.

    `callers` are the addresses of CALL instructions, the innermost first. `instruction` is how many
    the guest had executed, this one included. `value` is what is at the address after it, of `size`
    bytes; `physical` is None for a device's memory.
    """

    instruction: int
    cpu: int
    pc: int
    address: int
    physical: int | None
    size: int
    value: int
    callers: tuple[int, ...]


class Shared:
    """The bench's mapping of it. A context manager, which unmaps it."""

    def __init__(self, file: Path, begin: int, end: int, capacity: int) -> None:
        """Make the file, for writes to virtual addresses [begin, end), of which the last are kept.

        Raises:
            StartError: there is no room for it.
        """
        size = -(_RECORDS_AT + capacity * _RECORD.size) // PAGE_SIZE * -PAGE_SIZE
        try:
            with file.open("xb+") as made:
                os.posix_fallocate(made.fileno(), 0, size)
                self._mapping = mmap.mmap(made.fileno(), size)
        except OSError as error:
            raise StartError(f"{file}: no room for what is watched ({error.strerror})") from None
        self._capacity = capacity
        _HEAD.pack_into(self._mapping, 0, begin, end, capacity, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._mapping.close()

    def tell_ram(self, ram: RamMap) -> None:
        """Say where the guest's RAM is; of more pieces than there is room for, the first ones."""
        pieces = ram.ranges[:RAM_RANGES]
        for number, each in enumerate(pieces):
            at = _HEAD.size + number * _RANGE.size
            _RANGE.pack_into(self._mapping, at, each.base, each.length, each.offset)
        struct.pack_into("<Q", self._mapping, _HEAD.size - 8, len(pieces))

    def watch_frames(self, begin: int, end: int) -> None:
        """Also watch physical addresses [begin, end), whatever virtual ones stand for them.

        Of more than 32 pages, the first ones.
        """
        first = begin // PAGE_SIZE
        for number, page in enumerate(range(first, -(-end // PAGE_SIZE))[:PAGES]):
            base = page * PAGE_SIZE
            inside = max(begin - base, 0), min(end - base, PAGE_SIZE)
            at = _PAGES_AT + 8 + number * _RANGE.size
            _RANGE.pack_into(self._mapping, at, base, *inside)
            struct.pack_into("<Q", self._mapping, _PAGES_AT, number + 1)

    @property
    def is_attached(self) -> bool:
        """Whether the plugin has come, and has the same layout."""
        return self._found[0] == LAYOUT

    @property
    def instructions(self) -> int:
        """How many instructions the guest had executed, at the last write at least."""
        return self._found[1]

    @property
    def written(self) -> int:
        """How many writes met what is watched."""
        return self._found[2]

    def records(self) -> tuple[Record, ...]:
        """Return the last writes, the oldest first; the guest must be still."""
        last = range(max(0, self.written - self._capacity), self.written)
        return tuple(self._record(number % self._capacity) for number in last)

    @property
    def _found(self) -> tuple[int, int, int]:
        layout, instructions, written = _FOUND.unpack_from(self._mapping, _FOUND_AT)
        return layout, instructions, written

    def _record(self, slot: int) -> Record:
        values = _RECORD.unpack_from(self._mapping, _RECORDS_AT + slot * _RECORD.size)
        instruction, cpu, pc, address, physical, size, low, high, depth, *callers = values
        return Record(
            instruction,
            cpu,
            pc,
            address,
            None if physical == NOWHERE else physical,
            size,
            (low | high << 64) & ((1 << 8 * min(size, 16)) - 1),
            tuple(callers[:depth]),
        )
