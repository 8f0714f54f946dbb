"""Hostile operations: a sensible one with one argument replaced by a value that hurts.

What the kernel must then answer is the model's business; nothing here knows.
"""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any, Final

from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.flags import CACHES, GLOBAL
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.table import OPERATIONS

HOSTILE_NUMBERS: Final = (
    0,
    1,
    0xFFF,
    0x1000,
    0x0000_7FFF_FFFF_F000,
    0x0000_8000_0000_0000,
    0xFFFF_7FFF_FFFF_F000,
    0xFFFF_8000_0000_0000,
    0xFFFF_C000_0000_0010,
    0xFFFF_D000_0000_0000,
    0xFFFF_FFFF_8000_0000,
    0xFFFF_FFFF_FFFF_F000,
    0xFFFF_FFFF_FFFF_FFFF,
    1 << 40,
    1 << 52,
)
PHYSICAL_BITS: Final = (36, 40, 46, 52)
"""Of processors; where one has more, the addresses at these ends are only unusual."""

HOSTILE_HANDLES: Final = {
    "task": ("t0", "t77"),
    "space": ("kernel", "t0", "t77"),
    "to": ("kernel", "t0", "t77"),
    "source": ("kernel", "t0", "t77"),
    "root": ("kernel", "t0", "t77", "r0", "r9", "r99"),
    "disk": ("d0", "d1", "d4", "d77"),
    "file": ("f0", "f15", "f16", "f77"),
    "object": ("o0", "o1", "o77"),
}
"""Field that holds a handle -> handles that may not be there, or not be permitted."""

SPOILED_FIELDS: Final = frozenset(HOSTILE_HANDLES) | {
    "align",
    "cache",
    "count",
    "flags",
    "length",
    "offset",
    "paddr",
    "place",
    "sector",
    "size",
    "source_vaddr",
    "to_vaddr",
    "vaddr",
}

_SPOILED: Final[dict[type[Operation], tuple[str, ...]]] = {
    operation: tuple(
        field.name for field in dataclasses.fields(operation) if field.name in SPOILED_FIELDS
    )
    for operation in OPERATIONS
}


def spoil(random: Random, operation: Operation) -> Operation:
    """Replace one argument, if there is one to replace.

    `kind`, `mode` and `page_size` are left alone: the console has no words for wrong ones. Flags
    become any that it has words for, whether they go together or not.
    """
    fields = [name for name in _SPOILED[type(operation)] if getattr(operation, name) is not None]
    if not fields:
        return operation
    name = random.choice(fields)
    value: Any
    if name in HOSTILE_HANDLES:
        value = random.choice(HOSTILE_HANDLES[name])
    elif name == "place" and isinstance(getattr(operation, name), str):
        value = random.choice(HOSTILE_HANDLES["object"])
    elif name in ("paddr", "place") and random.random() < 0.3:
        value = (1 << random.choice(PHYSICAL_BITS)) - random.randint(0, 2) * FRAME_SIZE
    elif name == "flags":
        value = random.randrange(GLOBAL << 1) | random.choice(CACHES)
    else:
        value = _hostile_number(random, getattr(operation, name))
    return dataclasses.replace(operation, **{name: value})


def _hostile_number(random: Random, number: int) -> int:
    """A fixed horror, or the right number slightly off."""
    if random.random() < 0.5:
        return random.choice(HOSTILE_NUMBERS)
    change = random.choice((-0x1000, -16, -1, 1, 8, 16, 0x1000))
    return (number + change) % (1 << 64)
