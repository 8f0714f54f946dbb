"""A story as it lies in memory when the kernel begins: two registers, and some bytes.

Sources: Multiboot Specification 0.6.96, sections 3.2 and 3.3; Multiboot2 Specification 2.0,
sections 3.3 to 3.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ringbench.subjects.reference.boots.story import Entry, Loaded, Story
from ringbench.subjects.reference.model.boot_info import MULTIBOOT1_MAGIC, MULTIBOOT2_MAGIC

WORD32: Final = (1 << 32) - 1
WORD64: Final = (1 << 64) - 1
INFORMATION1_SIZE: Final = 52
MODULE1_SIZE: Final = 16
UNSAID: Final = 0xEEEE_EEEE
"""What a field holds whose flag is not set: such a field has no meaning (3.3)."""

_HAS_MEMORY, _HAS_COMMAND_LINE, _HAS_MODULES, _HAS_MEMORY_MAP = 0x01, 0x04, 0x08, 0x40
_TAG_END, _TAG_COMMAND_LINE, _TAG_MODULE, _TAG_MEMORY_MAP = 0, 1, 3, 6


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes at a physical address."""

    at: int
    data: bytes

    @property
    def end(self) -> int:
        """The first address past them."""
        return self.at + len(self.data)


@dataclass(frozen=True, slots=True)
class Handover:
    """What a kernel finds: EAX, EBX, and memory."""

    magic: int
    information: int
    pieces: tuple[Piece, ...]


def hand_over(story: Story) -> Handover:
    """Return what a loader that tells this story leaves behind."""
    pieces = _multiboot1(story) if story.multiboot == 1 else (_multiboot2(story),)
    magic = MULTIBOOT1_MAGIC if story.multiboot == 1 else MULTIBOOT2_MAGIC
    return Handover(story.lies.get("magic", magic), story.lies.get("information", story.at), pieces)


# --- Multiboot 1 ---------------------------------------------------------------------------------


def _multiboot1(story: Story) -> tuple[Piece, ...]:
    entries = b"".join(_entry1(entry) for entry in story.entries)
    map_at = story.at + INFORMATION1_SIZE if story.map_at is None else story.map_at
    behind_map = map_at + len(entries)
    modules_at = behind_map if story.modules_at is None else story.modules_at
    behind_list = modules_at + MODULE1_SIZE * len(story.modules)
    strings_at = behind_list if story.strings_at is None else story.strings_at
    strings = b""

    def put(text: str) -> int:
        nonlocal strings
        address = strings_at + len(strings)
        strings += text.encode("latin-1") + (b"\0" if story.ended else b"")
        return address

    command_line_at = UNSAID if story.command_line is None else put(story.command_line)
    listed = b""
    for module in story.modules:
        text_at = put(module.text) if module.text_at is None else module.text_at
        listed += _words(module.start, module.end, text_at, 0)
    truth = {
        "flags": _HAS_MEMORY
        | (_HAS_COMMAND_LINE if story.command_line is not None else 0)
        | (_HAS_MODULES if story.modules else 0)
        | _HAS_MEMORY_MAP,
        "command_line": command_line_at,
        "modules_count": len(story.modules) or UNSAID,
        "modules": modules_at if story.modules else UNSAID,
        "memory_map_length": len(entries),
        "memory_map": map_at,
    }
    said = truth | {name: value for name, value in story.lies.items() if name in truth}
    head = _words(said["flags"], 639, 0xFC00, 0, said["command_line"], said["modules_count"])
    head += _words(said["modules"], 0, 0, 0, 0, said["memory_map_length"], said["memory_map"])
    pieces = (
        Piece(story.at, head),
        Piece(map_at, entries),
        Piece(modules_at, listed),
        Piece(strings_at, strings),
    )
    return tuple(piece for piece in pieces if piece.data)


def _entry1(entry: Entry) -> bytes:
    size = 20 + entry.extra if entry.size is None else entry.size
    fields = struct.pack("<IQQI", size, entry.base & WORD64, entry.length & WORD64, entry.type)
    return fields + b"\xee" * entry.extra


def _words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *(value & WORD32 for value in values))


# --- Multiboot 2 ---------------------------------------------------------------------------------


def _multiboot2(story: Story) -> Piece:
    lies = story.lies
    tags = []
    if story.command_line is not None:
        body = _string2(story.command_line, story)
        tags.append(_tag(_TAG_COMMAND_LINE, body, lies.get("command_line_size")))
    tags += [_tag(kind, b"\xee" * size) for kind, size in story.strays]
    modules = [_module2(module, story) for module in story.modules]
    step = -(-len(story.entries) // story.map_tags) if story.map_tags else 0
    maps = [
        _map2(story.entries[step * number : step * (number + 1)], story)
        for number in range(story.map_tags)
    ]
    tags += [*modules, *maps] if story.modules_first else [*maps, *modules]
    tags.append(_tag(_TAG_END, b"", lies.get("end_size")))
    body = b"".join(tags)
    total = lies.get("total_size", 8 + len(body))
    return Piece(story.at, _words(total, 0) + body)


def _tag(kind: int, body: bytes, size: int | None = None) -> bytes:
    """Return a tag with the padding behind it, which its size does not count."""
    head = _words(kind, 8 + len(body) if size is None else size)
    return head + body + bytes(-len(body) % 8)


def _map2(entries: tuple[Entry, ...], story: Story) -> bytes:
    size = 24 + story.entry_extra
    body = _words(story.lies.get("entry_size", size), 0)
    for entry in entries:
        fields = struct.pack("<QQII", entry.base & WORD64, entry.length & WORD64, entry.type, 0)
        body += fields + b"\xee" * story.entry_extra
    return _tag(_TAG_MEMORY_MAP, body, story.lies.get("map_size"))


def _module2(module: Loaded, story: Story) -> bytes:
    body = _words(module.start, module.end) + _string2(module.text, story)
    return _tag(_TAG_MODULE, body, story.lies.get("module_size"))


def _string2(text: str, story: Story) -> bytes:
    return text.encode("latin-1") + (b"\0" if story.ended else b"")
