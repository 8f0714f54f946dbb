"""What the kernel keeps of its loader and of the processor, to flip bits of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ringbench.subjects.reference.flips.free import AFTER_NUL, PAST_COUNT, FreeBits
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Part, Spot, Structure, of_spots

LAYER = "machine"

UNUSED: Final = "unused boot information"

_ELEMENT: Final = re.compile(r"\[(\d+)\]")


def boot_structures(site: Site) -> Iterator[Structure]:
    """Yield the boot information, the memory map, and what is known of the processor."""
    names = site.layout.boot
    found: dict[str, list[Spot]] = {}
    for part, paddr in site.variable(names.record):
        kind, spot = _sort(site, part, paddr, f"{names.record}{part.path}")
        found.setdefault(kind, []).append(spot)
    for kind, spots in found.items():
        yield of_spots(kind, LAYER, spots)
    processor = names.processor
    spots = [
        part.spot(paddr, f"{processor}{part.path}", processor)
        for part, paddr in site.variable(processor)
    ]
    yield of_spots("processor's features", LAYER, spots)


def _sort(site: Site, part: Part, paddr: int, path: str) -> tuple[str, Spot]:
    """Return the structure that a part of the boot information belongs to, and it as a spot."""
    names, boot = site.layout.boot, site.boot
    if path.startswith(names.command_line):
        place = names.command_line
        return _character("command line", part, paddr, path, place, boot.command_line)
    if path.startswith(names.modules + "["):
        number, place = _number(path, names.modules), f"module {_number(path, names.modules)}"
        if number >= len(boot.modules):
            return UNUSED, _free(part, paddr, path, PAST_COUNT)
        text = f"{names.modules}[{number}].{names.module_name}"
        if path.startswith(f"{text}["):
            return _character("modules", part, paddr, path, place, boot.modules[number].name)
        return "modules", part.spot(paddr, place, names.record)
    if path.startswith(names.map_ranges):
        number = _number(path, names.map_ranges)
        if number >= len(site.state.memory_map):
            return UNUSED, _free(part, paddr, path, PAST_COUNT)
        return "memory map", part.spot(paddr, f"memory map {number}", names.record)
    return "boot information", part.spot(paddr, path, names.record)


def _number(path: str, array: str) -> int:
    found = _ELEMENT.match(path, len(array))
    assert found is not None, "an array's part has an index"
    return int(found[1])


def _character(
    kind: str, part: Part, paddr: int, path: str, place: str, text: str
) -> tuple[str, Spot]:
    """A character of a text, the last index in its path."""
    index = int(_ELEMENT.findall(path)[-1])
    if index > len(text.encode()):
        return UNUSED, _free(part, paddr, path, AFTER_NUL)
    return kind, Spot(path, paddr, part.size * BYTE, place)


def _free(part: Part, paddr: int, path: str, kind: FreeBits) -> Spot:
    bits = part.size * BYTE
    return Spot(path, paddr, bits, "none", free={kind: (1 << bits) - 1})
