"""What the loader handed over, read from guest memory where the loader left it.

The kernel keeps these frames (BOOT_INFO) but is not asked about them: this is the bench's own
reading of the Multiboot information, so that the kernel's memory map can be held against it.
Sources: Multiboot Specification 0.6.96, section 3.3; Multiboot2 Specification 2.0, section 3.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.errors import RingbenchError

MULTIBOOT1, MULTIBOOT2 = 1, 2

_HAS_COMMAND_LINE, _HAS_MODULES, _HAS_MEMORY_MAP = 0x04, 0x08, 0x40
_INFORMATION1: Final = struct.Struct("<IIIIIII16xII")
_MODULE1: Final = struct.Struct("<IIII")
_TAG: Final = struct.Struct("<II")
_TAG_END, _TAG_COMMAND_LINE, _TAG_MODULE, _TAG_MEMORY_MAP = 0, 1, 3, 6
STRING_MAX: Final = 4096
"""Bytes after which a string that does not end is taken to end."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A module: first and past-the-last physical address, and its text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class LoaderInformation:
    """One loader's information.

    Attributes:
        map_bytes: the memory map's entries as they lie in memory.
        entry_size: bytes between two entries (Multiboot 2); None where each says its own.
        information: where the information itself lies: (physical address, bytes) of each piece.
    """

    command_line: str
    modules: tuple[Loaded, ...]
    map_bytes: bytes
    entry_size: int | None
    information: tuple[tuple[int, int], ...]


def read_loader(memory: PhysicalMemory, loader: int, address: int) -> LoaderInformation:
    """Read the information at a physical address; `loader` is MULTIBOOT1 or MULTIBOOT2.

    Raises:
        RingbenchError: no such loader, or no memory map in it.
        MemoryUnreadable: a piece of it lies where no memory is.
    """
    if loader == MULTIBOOT1:
        return _read1(memory, address)
    if loader == MULTIBOOT2:
        return _read2(memory, address)
    raise RingbenchError(f"the kernel says that loader {loader} booted it; there is no such one")


def _read1(memory: PhysicalMemory, address: int) -> LoaderInformation:
    fields = _INFORMATION1.unpack(memory.read(address, _INFORMATION1.size))
    flags, _, _, _, command_line, module_count, module_list, map_length, map_base = fields
    if not flags & _HAS_MEMORY_MAP:
        raise RingbenchError(f"the information at {address:#x} has no memory map")
    pieces = [(address, _INFORMATION1.size), (map_base, map_length)]
    text = ""
    if flags & _HAS_COMMAND_LINE:
        text = _string(memory, command_line, pieces)
    modules = []
    if flags & _HAS_MODULES:
        pieces.append((module_list, module_count * _MODULE1.size))
        for index in range(module_count):
            at = module_list + index * _MODULE1.size
            start, end, string, _ = _MODULE1.unpack(memory.read(at, _MODULE1.size))
            modules.append(Loaded(start, end, _string(memory, string, pieces) if string else ""))
    return LoaderInformation(
        text, tuple(modules), memory.read(map_base, map_length), None, tuple(pieces)
    )


def _string(memory: PhysicalMemory, address: int, pieces: list[tuple[int, int]]) -> str:
    """Read a NUL-terminated string, and note where it lay."""
    raw = memory.read(address, STRING_MAX).split(b"\0")[0]
    pieces.append((address, min(len(raw) + 1, STRING_MAX)))
    return raw.decode("latin-1")


def _read2(memory: PhysicalMemory, address: int) -> LoaderInformation:
    total, _ = struct.unpack("<II", memory.read(address, 8))
    data = memory.read(address, total)
    text, modules, map_bytes, entry_size = "", [], None, None
    at = 8
    while at + _TAG.size <= total:
        kind, size = _TAG.unpack_from(data, at)
        body = data[at + _TAG.size : at + size]
        if kind == _TAG_END or size < _TAG.size:
            break
        if kind == _TAG_COMMAND_LINE:
            text = body.split(b"\0")[0].decode("latin-1")
        elif kind == _TAG_MODULE:
            start, end = struct.unpack_from("<II", body)
            modules.append(Loaded(start, end, body[8:].split(b"\0")[0].decode("latin-1")))
        elif kind == _TAG_MEMORY_MAP:
            entry_size = struct.unpack_from("<I", body)[0]
            map_bytes = body[8:]
        at += (size + 7) & ~7
    if map_bytes is None:
        raise RingbenchError(f"the information at {address:#x} has no memory map")
    return LoaderInformation(text, tuple(modules), map_bytes, entry_size, ((address, total),))
