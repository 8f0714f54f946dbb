"""Guest memory in an ELF core, as QEMU's `dump-guest-memory` and crash tools write it.

Each segment says which physical memory it holds (`p_paddr`). QEMU adds a note for each processor
with its registers (QEMU 7.2, target/i386/arch_dump.c, `QEMUCPUState`), CR3 and CR4 among them.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from ringbench.arch.x86_64.address import ADDRESS_MASK
from ringbench.debuginfo.elf import damage
from ringbench.errors import ConfigError, MemoryUnreadable

if TYPE_CHECKING:
    from elftools.elf.segments import Segment

_MACHINES: Final = ("EM_X86_64", "EM_386")
_CONTROL: Final = struct.Struct("<5Q")
_CONTROL_AT: Final = 392
"""Where `QEMUCPUState` has CR0 to CR4: behind version, size, 18 registers and ten segments."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`length` bytes of physical memory from `base` on, at `offset` in the file."""

    base: int
    length: int
    offset: int

    @property
    def end(self) -> int:
        """First physical address past the piece."""
        return self.base + self.length


@dataclass(frozen=True, slots=True)
class Control:
    """The first processor's control registers, and whether it was in long mode."""

    cr0: int
    cr3: int
    cr4: int
    is_64_bit: bool


class CoreMemory:
    """The physical memory that a core has; what lies between its segments cannot be read."""

    def __init__(self, path: Path, file: BinaryIO, pieces: tuple[Piece, ...]) -> None:
        self._path = path
        self._file = file
        self._pieces = pieces
        self._bases = [piece.base for piece in pieces]

    @property
    def end(self) -> int:
        """First physical address past the last byte."""
        return self._pieces[-1].end

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: the core does not have them all.
        """
        parts: list[bytes] = []
        at, end = paddr, paddr + length
        while at < end:
            piece = self._pieces[bisect_right(self._bases, at) - 1]
            if not piece.base <= at < piece.end:
                raise MemoryUnreadable(paddr, length, f"{self._path} has no memory at {at:#x}")
            size = min(end, piece.end) - at
            part = os.pread(self._file.fileno(), size, piece.offset + at - piece.base)
            if not part:
                raise MemoryUnreadable(paddr, length, f"{self._path} was cut while it was read")
            parts.append(part)
            at += len(part)
        return b"".join(parts)


def read_core(path: Path, file: BinaryIO) -> tuple[CoreMemory, Control | None]:
    """Return the memory of an ELF core and, if QEMU wrote it, its first processor's registers.

    Raises:
        ConfigError: the file is damaged, no core, another machine's, or has no physical memory.
    """
    from elftools.elf.elffile import ELFFile

    size = os.fstat(file.fileno()).st_size
    with damage(path, ConfigError):
        elf = ELFFile(file)
        kind, machine = elf["e_type"], elf["e_machine"]
        if kind != "ET_CORE":
            raise ConfigError(f"{path}: an ELF file, but no core ({kind}): it has no guest memory")
        if machine not in _MACHINES:
            raise ConfigError(f"{path}: the ELF core of another machine ({machine}), not x86_64")
        headers = elf.num_segments() * max(elf["e_phentsize"], 1)
        if elf["e_phoff"] + headers > size:
            raise ConfigError(f"{path}: the ELF file is damaged ({headers:,} bytes of segments)")
        segments = list(elf.iter_segments())
        loads = [each.header for each in segments if each["p_type"] == "PT_LOAD"]
        control = next(_controls(segments, machine == "EM_X86_64"), None)
    pieces = _disjoint(
        Piece(load["p_paddr"], load["p_filesz"], load["p_offset"])
        for load in loads
        if load["p_filesz"] and load["p_paddr"] + load["p_filesz"] <= ADDRESS_MASK
    )
    if not pieces or (len(loads) > 1 and not any(load["p_paddr"] for load in loads)):
        raise ConfigError(
            f"{path}: an ELF core without physical addresses (of a process?): guest memory is in "
            "what QEMU's dump-guest-memory writes"
        )
    needed = max(piece.offset + piece.length for piece in pieces)
    if needed > size:
        raise ConfigError(f"{path}: the core is cut: {needed:#x} bytes are needed of {size:#x}")
    return CoreMemory(path, file, pieces), control


def _controls(segments: Iterable[Segment], is_64_bit: bool) -> Iterator[Control]:
    """Yield what each of QEMU's notes says."""
    from elftools.elf.segments import NoteSegment

    for segment in segments:
        if not isinstance(segment, NoteSegment):
            continue
        for note in segment.iter_notes():
            state = note["n_descdata"]
            is_whole = len(state) == note["n_descsz"] >= _CONTROL_AT + _CONTROL.size
            if note["n_name"] == "QEMU" and is_whole:
                cr0, _, _, cr3, cr4 = _CONTROL.unpack_from(state, _CONTROL_AT)
                yield Control(cr0, cr3, cr4, is_64_bit)


def _disjoint(pieces: Iterator[Piece]) -> tuple[Piece, ...]:
    """Return the pieces by address, each without what one before it has: aliases are the same."""
    found: list[Piece] = []
    end = 0
    for piece in sorted(pieces, key=lambda piece: piece.base):
        known = max(end - piece.base, 0)
        if known < piece.length:
            found.append(Piece(piece.base + known, piece.length - known, piece.offset + known))
            end = piece.end
    return tuple(found)
