"""A call as a configuration writes it: `kmalloc({size})`, `map_page({root}, {virtual}, 0x1000, 3)`.

A name and up to six arguments: placeholders in braces, each filled with what a call is to get, and
numbers. The name is one of the ELF file's: C++ and Rust functions have long ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

MOST_ARGUMENTS: Final = 6
"""Arguments that the calling convention has registers for (System V ABI for AMD64, 3.2.3)."""

_CALL: Final = re.compile(r"\s*([A-Za-z_.$][\w.$]*)\s*\(([^()]*)\)\s*")
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_NUMBER: Final = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class CallText:
    """A function of the kernel's and its arguments: numbers, and names to be filled in."""

    function: str
    arguments: tuple[int | str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, in order."""
        return tuple(each for each in self.arguments if isinstance(each, str))

    def filled(self, values: Mapping[str, Value]) -> tuple[int | Value, ...]:
        """Return the arguments with every placeholder replaced by its value."""
        return tuple(
            values[argument] if isinstance(argument, str) else argument
            for argument in self.arguments
        )

    def shown(self, values: Mapping[str, int]) -> str:
        """Return the call as a person reads it, with what it got: `kfree(0xffff800000001000)`."""
        words = (f"{value:#x}" if value >= 1 << 20 else str(value) for value in self.filled(values))
        return f"{self.function}({', '.join(words)})"

    def __str__(self) -> str:
        words = (
            f"{{{argument}}}" if isinstance(argument, str) else f"{argument:#x}"
            for argument in self.arguments
        )
        return f"{self.function}({', '.join(words)})"


def parse_call(text: str) -> CallText:
    """Return the call that a text describes.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise ValueError('a call such as "kmalloc({size})": a name, then arguments in brackets')
    inner = match[2].strip()
    words = [word.strip() for word in inner.split(",")] if inner else []
    if len(words) > MOST_ARGUMENTS:
        raise ValueError(f"a call of at most {MOST_ARGUMENTS} arguments")
    return CallText(match[1], tuple(_argument(word) for word in words))


def _argument(word: str) -> int | str:
    if match := _PLACEHOLDER.fullmatch(word):
        return match[1]
    if _NUMBER.fullmatch(word) and -(1 << 63) <= (value := int(word, 0)) < 1 << 64:
        return value
    raise ValueError(f"arguments that are numbers or placeholders such as {{size}}, not {word!r}")
