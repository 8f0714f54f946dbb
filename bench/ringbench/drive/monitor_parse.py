"""Lines of the monitor as operations: the inverse of `monitor_line`.

The grammar is the console's own (kernel/console/README.md), so that what a person may type is what
a file of lines may hold: numbers decimal or hexadecimal, optional words left out.
"""

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from ringbench.drive.flags import parse_flags
from ringbench.drive.monitor_text import COMMANDS, KINDS, PAGE_SIZE_WORDS
from ringbench.drive.operations import Operation
from ringbench.errors import ConfigError


class MalformedLine(ConfigError):
    """A line that is no operation; the text says what is wrong with it."""


_BY_WORDS: Final = {tuple(words.split()): operation for operation, words in COMMANDS.items()}
_PAGE_SIZES: Final = {word: size for size, word in PAGE_SIZE_WORDS.items()}


def _number(word: str) -> int:
    if not re.fullmatch("0x[0-9a-fA-F]+|[0-9]+", word):
        raise ValueError("expected a number, decimal or 0x and hexadecimal")
    value = int(word, 16 if word.startswith("0x") else 10)
    if value >> 64:
        raise ValueError("expected a number below 2^64")
    return value


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    def convert(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise ValueError(f"expected {what}")
        return word

    return convert


def _bytes(word: str) -> bytes:
    if not re.fullmatch("([0-9a-fA-F]{2}){1,64}", word):
        raise ValueError("expected 1 to 64 bytes, two hexadecimal digits each")
    return bytes.fromhex(word)


def _page_size(word: str) -> int:
    if word not in _PAGE_SIZES:
        raise ValueError(f"expected one of {', '.join(_PAGE_SIZES)}")
    return _PAGE_SIZES[word]


_ROOT: Final = _matching("kernel|[tr][0-9]{1,18}", "`kernel`, a task like t1 or a root like r0")

_WORDS: Final[dict[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("root", "space", "to", "source"), _ROOT),
    "data": _bytes,
    "flags": parse_flags,
    "kind": _matching("|".join(KINDS), f"one of {', '.join(KINDS)}"),
    "mode": _matching("[rwx]", "one of r, w, x"),
    "page_size": _page_size,
    "task": _matching("t[0-9]{1,18}", "a task like t1"),
}
"""Field -> what makes its value of a word; all others are numbers."""


def parse_line(line: str) -> Operation:
    """Return the operation that a line asks for: `vm alloc t1 0x3000 demand rwu`.

    Raises:
        MalformedLine: no command, or words that do not fit it.
    """
    words = line.split()
    for length in (2, 1):
        operation = _BY_WORDS.get(tuple(words[:length]))
        if operation is not None:
            return _operation(operation, words[length:], line)
    raise MalformedLine(f"`{line}`: no such operation")


def _operation(operation: type[Operation], words: list[str], line: str) -> Operation:
    wanted = fields(operation)
    least = sum(each.default is MISSING for each in wanted)
    if not least <= len(words) <= len(wanted):
        count = str(least) if least == len(wanted) else f"{least} to {len(wanted)}"
        names = ", ".join(_shown(each) for each in wanted) or "none"
        raise MalformedLine(f"`{line}`: expected {count} words after the command: {names}")
    values = {}
    for field, word in zip(wanted, words, strict=False):
        try:
            values[field.name] = _WORDS.get(field.name, _number)(word)
        except ValueError as error:
            raise MalformedLine(f"`{line}`: {field.name} {word!r}: {error}") from None
    try:
        return operation(**values)
    except ValueError as error:
        raise MalformedLine(f"`{line}`: {error}") from None


def _shown(field: Field[Any]) -> str:
    return field.name if field.default is MISSING else f"[{field.name}]"
