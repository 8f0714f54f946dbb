"""What the kernel must make of a loader's information, or which panic it must end in.

Read from the memory where the loader left it, in the kernel's order, for the first thing that is
wrong decides. Sources: Multiboot Specification 0.6.96, section 3.3; Multiboot2 Specification 2.0,
section 3.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.subjects.reference.model.memory_map import (
    MEMORY_RANGES_MAX,
    MemoryMap,
    memory_map_claim,
    memory_map_init,
    memory_map_multiboot1,
    memory_map_multiboot2,
)
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange, Module
from ringbench.subjects.reference.vocabulary.constants import BOOT_MAP_SIZE, MemoryKind
from ringbench.subjects.reference.vocabulary.status import Panic, Status

MULTIBOOT1_MAGIC: Final = 0x2BADB002
MULTIBOOT2_MAGIC: Final = 0x36D76289
LOADERS: Final = {MULTIBOOT1_MAGIC: 1, MULTIBOOT2_MAGIC: 2}
"""What a loader has in EAX -> the kernel's number for it (enum boot_loader)."""

FIRST_MIB: Final = 1 << 20
STRING_MAX: Final = 4096
STRUCTURE_MAX: Final = 1 << 20
"""Bytes of a structure that the kernel believes at most."""
COMMAND_LINE_MAX, MODULES_MAX, NAME_MAX = 255, 16, 63
"""What is kept: characters of the command line, modules, characters of a module's name."""

_HAS_COMMAND_LINE, _HAS_MODULES, _HAS_MEMORY_MAP = 0x04, 0x08, 0x40
_INFORMATION1: Final = struct.Struct("<IIIIIII16xII")
_MODULE1: Final = struct.Struct("<IIII")
_INFORMATION2: Final = struct.Struct("<II")
_TAG: Final = struct.Struct("<II")
_MODULE2: Final = struct.Struct("<II")
_MAP2: Final = struct.Struct("<II")
_TAG_END, _TAG_COMMAND_LINE, _TAG_MODULE, _TAG_MEMORY_MAP = 0, 1, 3, 6


@dataclass(frozen=True, slots=True)
class BootInfo:
    """What the kernel keeps of a loader's information (struct boot_info)."""

    loader: int
    information: int
    command_line: str
    modules: tuple[Module, ...]
    map: tuple[MemoryRange, ...]


def boot_info_init(
    memory: PhysicalMemory,
    magic: int,
    information: int,
    physical_bits: int,
    image: tuple[int, int],
) -> BootInfo:
    """Return what the kernel keeps.

    Args:
        memory: what the processor reads: where there is no RAM, too.
        magic: in EAX, as the loader left it.
        information: in EBX.
        physical_bits: the width of the processor's physical addresses.
        image: the kernel's image: its first and its past-the-last physical address.

    Raises:
        Panic: the kernel panics.
    """
    reader = _Reader(memory, physical_bits, image)
    if magic == MULTIBOOT1_MAGIC:
        reader.multiboot1(information)
    elif magic == MULTIBOOT2_MAGIC:
        reader.multiboot2(information)
    else:
        raise Panic(f"boot information: unknown loader, magic number {magic:#x}")
    return BootInfo(
        LOADERS[magic], information, reader.command_line, tuple(reader.modules), reader.map.ranges
    )


class _Reader:
    """The information in the reading: what has been claimed, and what was found so far."""

    def __init__(self, memory: PhysicalMemory, physical_bits: int, image: tuple[int, int]) -> None:
        self.memory, self.image = memory, image
        self.map: MemoryMap = memory_map_init(physical_bits)
        self.command_line = ""
        self.modules: list[Module] = []
        self.claim(0, FIRST_MIB, MemoryKind.LOW)
        self.claim(image[0], image[1] - image[0], MemoryKind.KERNEL)

    def claim(self, base: int, length: int, kind: MemoryKind) -> None:
        self.map, status, _ = memory_map_claim(self.map, base, length, kind)
        _check_map(status)

    def read(self, base: int, length: int, what: str) -> bytes:
        """Bytes of the loader's, if they are where they can be."""
        place = f"boot information: {what} at {base:#x}, {length:#x} bytes,"
        if base + length > BOOT_MAP_SIZE:
            raise Panic(f"{place} passes 4 GiB")
        if length > STRUCTURE_MAX:
            raise Panic(f"{place} is too long")
        start, end = self.image
        if length and base < end and base + length > start:
            raise Panic(f"{place} is in the image")
        return self.memory.read(base, length)

    # -- Multiboot 1 ---------------------------------------------------------------------------

    def multiboot1(self, address: int) -> None:
        fields = _INFORMATION1.unpack(self.read(address, _INFORMATION1.size, "the structure"))
        flags, _, _, _, command_line, module_count, modules, map_length, map_base = fields
        self.claim(address, _INFORMATION1.size, MemoryKind.BOOT_INFO)
        if not flags & _HAS_MEMORY_MAP or map_length == 0:
            raise Panic("boot information: the loader passed no memory map")
        entries = self.read(map_base, map_length, "the memory map")
        self.claim(map_base, map_length, MemoryKind.BOOT_INFO)
        self.map, status, _ = memory_map_multiboot1(self.map, entries)
        _check_map(status)
        if flags & _HAS_COMMAND_LINE:
            self.command_line = _text(self.string1(command_line), COMMAND_LINE_MAX)
        if flags & _HAS_MODULES:
            self.modules1(modules, module_count)

    def modules1(self, address: int, count: int) -> None:
        listed = self.read(address, count * _MODULE1.size, "the module list")
        self.claim(address, len(listed), MemoryKind.BOOT_INFO)
        for start, end, string, _ in _MODULE1.iter_unpack(listed):
            self.module(start, end, self.string1(string) if string else b"")

    def string1(self, address: int) -> bytes:
        """A string, cut where it cannot go on; its frames are claimed, its NUL's too."""
        stop = self.image[0] if address < self.image[0] else BOOT_MAP_SIZE
        raw = self.read(address, min(STRING_MAX, stop - address), "a string")
        text = raw.partition(b"\0")[0]
        self.claim(address, min(len(text) + 1, len(raw)), MemoryKind.BOOT_INFO)
        return text

    # -- Multiboot 2 ---------------------------------------------------------------------------

    def multiboot2(self, address: int) -> None:
        head = self.read(address, _INFORMATION2.size, "the structure")
        total, _ = _INFORMATION2.unpack(head)
        data = self.read(address, total, "the structure")
        self.claim(address, total, MemoryKind.BOOT_INFO)
        at, kind, has_map = _INFORMATION2.size, -1, False
        while kind != _TAG_END:
            if total - at < _TAG.size:
                raise Panic(f"boot information: no end tag in {total:#x} bytes")
            kind, size = _TAG.unpack(data[at : at + _TAG.size])
            if size < _TAG.size or size > total - at:
                raise Panic(f"boot information: tag {kind} has {size} bytes")
            body = data[at + _TAG.size : at + size]
            if kind == _TAG_MEMORY_MAP:
                has_map = self.map2(body) or has_map
            elif kind == _TAG_MODULE:
                start, end = _fixed(_MODULE2, body, kind)
                self.module(start, end, body[_MODULE2.size :])
            elif kind == _TAG_COMMAND_LINE:
                self.command_line = _text(body, COMMAND_LINE_MAX)
            at += -(-size // 8) * 8
        if not has_map:
            raise Panic("boot information: the loader passed no memory map")

    def map2(self, body: bytes) -> bool:
        """Claim the entries of a memory map tag; whether there are any."""
        entry_size, _ = _fixed(_MAP2, body, _TAG_MEMORY_MAP)
        entries = body[_MAP2.size :]
        self.map, status, _ = memory_map_multiboot2(self.map, entries, entry_size)
        _check_map(status)
        return bool(entries)

    # -- both ----------------------------------------------------------------------------------

    def module(self, start: int, end: int, name: bytes) -> None:
        length = max(end - start, 0)
        self.claim(start, length, MemoryKind.MODULE)
        if len(self.modules) < MODULES_MAX:
            self.modules.append(Module(start, length, _text(name, NAME_MAX)))


def _check_map(status: Status) -> None:
    if status is Status.NO_SPACE:
        raise Panic(f"boot information: more than {MEMORY_RANGES_MAX} ranges of memory")
    if status is not Status.OK:
        raise Panic("boot information: the memory map is malformed")


def _fixed(layout: struct.Struct, body: bytes, kind: int) -> tuple[int, int]:
    """Return the two numbers that a tag's body begins with."""
    if len(body) < layout.size:
        raise Panic(f"boot information: tag {kind} has only {_TAG.size + len(body)} bytes")
    first, second = layout.unpack(body[: layout.size])
    return first, second


def _text(raw: bytes, most: int) -> str:
    """Return what is kept of a string, as pictures of the kernel show it."""
    return raw.partition(b"\0")[0][:most].decode("utf-8", "backslashreplace")
