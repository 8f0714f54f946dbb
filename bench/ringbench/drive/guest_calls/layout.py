"""The bench's own memory as the guest sees it: where tables, code, steps and results are in it.

It is 2 MiB on the guest's PCI bus, so that not a byte of the kernel's is taken. One entry of the
kernel's root table leads to it for as long as calls are made; the tables below that entry are in
the memory itself. It is seen twice: as the kernel's alone, and above that as a program's as well,
for a kernel's code cannot be what programs can use (SMEP). The numbers are those of stub.S.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.entry import ADDRESS, PS, A, D, P, U, W
from ringbench.machine.command import OWN_SIZE

CODE: Final = 0x2000
CONTROL: Final = 0x3000
RESULTS: Final = 0x8000
STEPS: Final = 0x50000

MOST_STEPS: Final = 16384
"""Steps that a batch can have: what is between results and steps has room for no more."""

STUB: Final = Path(__file__).with_name("stub.bin")
"""The code: what `stub.S` assembles to."""

_SECOND_TABLE: Final = 0x1000
_TABLE: Final = P | W | U | A
_LEAF: Final = P | W | A | D | PS
_WORD: Final = 8
_SLOTS: Final = 512
_FARTHEST_FROM_USE: Final = 187
_UPPER_HALF: Final = 256


@dataclass(frozen=True, slots=True)
class Window:
    """Where the guest sees the bench's memory: `slot` of its root table, and where that leads."""

    slot: int
    entry: int

    @property
    def base(self) -> int:
        """The first virtual address."""
        address = self.slot << 39
        return address | (0xFFFF << 48) if self.slot >= _UPPER_HALF else address

    @property
    def addresses(self) -> range:
        """All virtual addresses."""
        return range(self.base, self.base + OWN_SIZE)

    @property
    def code(self) -> int:
        """The virtual address at which the stub begins."""
        return self.base + CODE


def window(root: bytes, physical: int) -> Window | None:
    """Return a window through an entry that a `root` table does not use; None if it uses all.

    What kernels use are the ends of both halves, and what they copy from root to root is the upper
    one: so the slot is in the middle of the lower half, if any is free there.
    """
    free = [slot for slot, entry in enumerate(_entries(root)) if entry == 0 and slot]
    if not free:
        return None
    slot = min(free, key=lambda each: (each >= _UPPER_HALF, abs(each - _FARTHEST_FROM_USE)))
    return Window(slot, physical | _TABLE)


def leads_to(root: bytes, physical: int) -> bool:
    """Whether an entry of a `root` table leads to the bench's memory already."""
    return any(entry & ADDRESS == physical for entry in _entries(root))


def contents(physical: int) -> dict[int, bytes]:
    """Return what must be in the bench's memory, by offset, where its physical address is known."""
    return {
        0: _entry(physical + _SECOND_TABLE | _TABLE),
        _SECOND_TABLE: _entry(physical | _LEAF) + _entry(physical | _LEAF | U),
        CODE: STUB.read_bytes(),
    }


def _entries(table: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{_SLOTS}Q", table)


def _entry(value: int) -> bytes:
    return value.to_bytes(_WORD, "little")
