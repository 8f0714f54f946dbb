"""A call as a configuration writes it: `kmalloc({size})`, `map_page({root}, {virtual}, 0x1000, 3)`.

A name and up to six arguments: placeholders in braces, each filled with what a call is to get,
numbers, and calls whose results are given on: `map_frame(page_of({virtual}, 1), {physical})`. The
name is one of the ELF file's, as it is written in C++, Rust or Zig as well: `heap::Heap::alloc`,
`heap.alloc`. Of several C++ functions of a name it has the types of its parameters, in brackets of
its own: `mem::alloc(unsigned long)({size})`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MOST_ARGUMENTS: Final = 6
"""Arguments that the calling convention has registers for (System V ABI for AMD64, 3.2.3)."""

DEEPEST: Final = 8
"""Calls within calls."""

_NAME: Final = re.compile(
    r"(?:\(anonymous namespace\)::)?[A-Za-z_.$<~](?:[\w.$:<>~]|,\s?|\s(?=as\s|[\w<]))*"
    r"(?:\([\w.$:<>,&*~\s]*\)(?:\sconst)?)?"
)
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_NUMBER: Final = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class CallText:
    """A function of the kernel's and its arguments: numbers, names to be filled in, and calls."""

    function: str
    arguments: tuple[int | str | CallText, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, in order, also those of calls within it."""
        return tuple(
            name for call in self.calls() for name in call.arguments if isinstance(name, str)
        )

    def calls(self) -> Iterator[CallText]:
        """Yield the calls within it, each before the one that gets its result, and itself last."""
        for argument in self.arguments:
            if isinstance(argument, CallText):
                yield from argument.calls()
        yield self

    def shown(self, values: Mapping[str, int]) -> str:
        """Return the call as a person reads it, with what it got: `kfree(0xffff800000001000)`."""
        return f"{self.function}({', '.join(_shown(each, values) for each in self.arguments)})"

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(_written, self.arguments))})"


def parse_call(text: str) -> CallText:
    """Return the call that a text describes.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    return _parse(text, 0)


def _parse(text: str, depth: int) -> CallText:
    text = text.strip()
    at = _opening(text)
    name = text[:at].strip() if at is not None else ""
    if at is None or not _NAME.fullmatch(name):
        raise ValueError('a call such as "kmalloc({size})": a name, then arguments in brackets')
    if depth > DEEPEST:
        raise ValueError(f"at most {DEEPEST} calls within one another")
    words = list(_split(text[at + 1 : -1]))
    if len(words) > MOST_ARGUMENTS:
        raise ValueError(f"a call of at most {MOST_ARGUMENTS} arguments")
    return CallText(name, tuple(_argument(word, depth) for word in words))


def _opening(text: str) -> int | None:
    """Return where the bracket opens that the last character of a text closes."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if not depth:
            return at if text.endswith(")") else None
    return None


def _split(text: str) -> Iterator[str]:
    """Yield what is between the commas outside of brackets."""
    depth, word = 0, ""
    for letter in text:
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and not depth:
            yield word.strip()
            word = ""
        else:
            word += letter
    if text.strip():
        yield word.strip()


def _argument(word: str, depth: int) -> int | str | CallText:
    if match := _PLACEHOLDER.fullmatch(word):
        return match[1]
    if _NUMBER.fullmatch(word) and -(1 << 63) <= (value := int(word, 0)) < 1 << 64:
        return value
    if word.endswith(")"):
        return _parse(word, depth + 1)
    raise ValueError(
        f"arguments that are numbers, placeholders such as {{size}}, or calls, not {word!r}"
    )


def _shown(argument: int | str | CallText, values: Mapping[str, int]) -> str:
    if isinstance(argument, CallText):
        return argument.shown(values)
    value = values[argument] if isinstance(argument, str) else argument
    return f"{value:#x}" if value >= 1 << 20 else str(value)


def _written(argument: int | str | CallText) -> str:
    if isinstance(argument, int):
        return f"{argument:#x}"
    return str(argument) if isinstance(argument, CallText) else f"{{{argument}}}"
