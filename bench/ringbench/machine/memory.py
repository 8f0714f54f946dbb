"""Guest-physical memory, six ways; each has `read(paddr, length)` and they agree byte for byte.

- `MappedMemory`: the file that is guest RAM, mapped into the bench. The default: about 8 GB/s,
  and the guest need not stop for it (but must, for a consistent picture).
- `GdbMemory` and `QmpMemory`: the debugger's and QEMU's own way to the same bytes, slow and
  independent.
- `FileMemory`: a saved dump, where the offset in the file is the physical address (for ELF cores
  there is `core_file.CoreMemory`).
- `BytesMemory`: a plain buffer, for tests without a guest.
- `PaddedMemory`: one of the others, and zeros around it, as a processor under QEMU reads.

What is not RAM cannot be read, whichever other way is taken: reading a device could change it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.errors import MemoryUnreadable
from ringbench.files import replacing
from ringbench.machine.gdb import Gdb
from ringbench.machine.qmp import Qmp
from ringbench.machine.ram import RamMap

AT_A_TIME: Final = 1 << 20
"""Bytes that are written at a time to what cannot have holes."""


class MappedMemory:
    """Guest RAM mapped into this process."""

    def __init__(self, mapping: mmap.mmap, ram: RamMap) -> None:
        self._mapping = mapping
        self._ram = ram

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: not all of them are RAM.
        """
        at = self._ram.offset(paddr, length)
        return self._mapping[at : at + length]

    def write(self, paddr: int, data: bytes) -> None:
        """Change guest RAM behind the guest's back; QEMU notices, a TLB does not.

        Raises:
            MemoryUnreadable: not all of the range is RAM.
        """
        at = self._ram.offset(paddr, len(data))
        self._mapping[at : at + len(data)] = data

    def view(self, paddr: int, length: int) -> memoryview:
        """Return the bytes themselves, read-only and not copied; release it before closing.

        Raises:
            MemoryUnreadable: not all of them are RAM.
        """
        at = self._ram.offset(paddr, length)
        return memoryview(self._mapping).toreadonly()[at : at + length]

    def views(self) -> Iterator[tuple[int, memoryview]]:
        """Yield every piece of RAM as `view` gives it, with its physical address."""
        for piece in self._ram.ranges:
            yield piece.base, self.view(piece.base, piece.length)


class GdbMemory:
    """Guest RAM through the debugger, which must have stopped the guest."""

    def __init__(self, gdb: Gdb, ram: RamMap) -> None:
        self._gdb = gdb
        self._ram = ram

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: not all of them are RAM.
            GdbError: the debugger cannot.
        """
        self._ram.offset(paddr, length)
        return self._gdb.read_physical(paddr, length)


class QmpMemory:
    """Guest RAM through QEMU's ``pmemsave``, by way of a file in `folder`."""

    def __init__(self, qmp: Qmp, ram: RamMap, folder: Path) -> None:
        self._qmp = qmp
        self._ram = ram
        self._file = folder / "pmemsave"

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: not all of them are RAM.
            QmpError: QEMU cannot.
        """
        self._ram.offset(paddr, length)
        if length == 0:
            return b""
        try:
            self._qmp.command("pmemsave", val=paddr, size=length, filename=str(self._file))
            return self._file.read_bytes()
        finally:
            self._file.unlink(missing_ok=True)


class FileMemory:
    """A dump of guest-physical memory from address 0 on; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise MemoryUnreadable(0, 0, f"{path}: {error.strerror}") from None
        self.length = os.fstat(self._file.fileno()).st_size

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: the file does not have them.
        """
        if paddr < 0 or length < 0 or paddr + length > self.length:
            raise MemoryUnreadable(paddr, length, f"{self._path} ends at {self.length:#x}")
        data = b""
        while len(data) < length:
            more = os.pread(self._file.fileno(), length - len(data), paddr + len(data))
            if not more:
                raise MemoryUnreadable(paddr, length, f"{self._path} was cut while it was read")
            data += more
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> FileMemory:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class BytesMemory:
    """Memory that is a buffer: `data` at physical address `base`."""

    def __init__(self, data: bytes | bytearray, base: int = 0) -> None:
        self._data = data
        self._base = base

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: the buffer does not have them.
        """
        at = paddr - self._base
        if at < 0 or length < 0 or at + length > len(self._data):
            end = self._base + len(self._data)
            raise MemoryUnreadable(paddr, length, f"the buffer is {self._base:#x}..{end:#x}")
        return bytes(self._data[at : at + length])


class PaddedMemory:
    """Memory as a processor under QEMU reads it where there are no devices: zeros beside RAM.

    Reference: QEMU 7.2, softmmu/memory.c (unassigned_mem_read).
    """

    def __init__(self, memory: PhysicalMemory, ram: RamMap) -> None:
        self._memory = memory
        self._ram = ram

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`, whatever is there."""
        data = bytearray(length)
        for piece in self._ram.ranges:
            start, end = max(piece.base, paddr), min(piece.end, paddr + length)
            if start < end:
                data[start - paddr : end - paddr] = self._memory.read(start, end - start)
        return bytes(data)


def save_dump(path: Path, backing: int, ram: RamMap) -> None:
    """Write guest RAM to `path` so that offset is physical address; holes stay holes.

    `backing` is the descriptor of the file behind guest RAM. Pages that the guest has never
    touched take no room in the dump either. What is no file, like a pipe, gets zeros for the holes.

    Raises:
        OutputError: it cannot be written; nothing of it is left.
    """
    with replacing(path) as out:
        has_holes = _can_have_holes(out)
        at = 0
        for piece in ram.ranges:
            for start, end in data_parts(backing, piece.offset, piece.offset + piece.length):
                base = piece.base + start - piece.offset
                if has_holes:
                    out.seek(base)
                    _copy(backing, start, end, out.fileno())
                else:
                    _zeros(out, base - at)
                    _write(backing, start, end, out)
                at = base + end - start
        if has_holes:
            out.truncate(ram.end)
        else:
            _zeros(out, ram.end - at)


def _can_have_holes(out: BinaryIO) -> bool:
    """Whether it is a file that is written anywhere in it, and not only at its end."""
    is_file = stat.S_ISREG(os.fstat(out.fileno()).st_mode)
    return is_file and not fcntl.fcntl(out, fcntl.F_GETFL) & os.O_APPEND


def _zeros(out: BinaryIO, length: int) -> None:
    for start in range(0, length, AT_A_TIME):
        out.write(bytes(min(AT_A_TIME, length - start)))


def _write(source: int, start: int, end: int, out: BinaryIO) -> None:
    for at in range(start, end, AT_A_TIME):
        out.write(os.pread(source, min(AT_A_TIME, end - at), at))


def data_parts(descriptor: int, start: int, end: int) -> list[tuple[int, int]]:
    """Return the parts of a file between two offsets that are not holes."""
    parts = []
    while start < end:
        try:
            start = os.lseek(descriptor, start, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            break
        if start >= end:
            break
        stop = min(os.lseek(descriptor, start, os.SEEK_HOLE), end)
        parts.append((start, stop))
        start = stop
    return parts


def _copy(source: int, start: int, end: int, target: int) -> None:
    while start < end:
        start += os.sendfile(target, source, start, min(end - start, 1 << 30))
