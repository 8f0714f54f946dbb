"""Which stacks a kernel has, by its symbols, and how deep they were used.

A stack is what a symbol with "stack" in its name says: an object of its size; from a label to the
next symbol; or, where the label marks its top, from the symbol before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringbench.debuginfo.symbols import Symbols
from ringbench.explain.names import Names
from ringbench.explanation import Place
from ringbench.microscope.microscope import Microscope

LEAST: Final = 512
MOST: Final = 1 << 20
"""Bytes that a stack has."""

_STACK: Final = re.compile(r"stack", re.IGNORECASE)
_TOP: Final = re.compile(r"(?:top|end|limit|hi|high)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack at [begin, end), which grows down."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class StackUse:
    """How deep a stack was used: `bytes` of it at most, and where that was."""

    stack: Stack
    bytes: int
    place: Place
    callers: tuple[Place, ...]

    def __str__(self) -> str:
        size = self.stack.end - self.stack.begin
        return f"{self.stack.name}: {self.bytes:,} of {size:,} bytes used, at {self.place}"


def stacks_of(symbols: Symbols, names: Names) -> tuple[Stack, ...]:
    """Return the stacks that a kernel's symbols name, by address."""
    found: dict[tuple[int, int], Stack] = {}
    for each in _found(symbols, names):  # by its bottom rather than by its top
        found.setdefault((each.begin, each.end), each)
    return tuple(found[key] for key in sorted(found))


def _found(symbols: Symbols, names: Names) -> Iterator[Stack]:
    own = symbols.objects
    for number, (address, size, name) in enumerate(own):
        if not _STACK.search(name):
            continue
        if _TOP.search(name) and not size:
            begin = max((at + length for at, length, _ in own[:number]), default=address)
            end = address
        else:
            following = (at for at, _, _ in own[number:] if at > address)
            begin, end = address, address + size if size else next(following, address)
        if names.is_code(begin):
            continue
        if LEAST <= end - begin <= MOST:
            yield Stack(name, begin, end)


def stack_use(
    microscope: Microscope, stacks: tuple[Stack, ...], names: Names
) -> tuple[StackUse, ...]:
    """Return how deep each stack was used so far that was used at all; the guest must be still."""
    result = []
    for number, stack in enumerate(stacks):
        lowest, event = microscope.stack_use(number)
        if event is not None:
            callers = tuple(map(names.place, event.callers))
            result.append(StackUse(stack, stack.end - lowest, names.place(event.pc), callers))
    return tuple(result)
