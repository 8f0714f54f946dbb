"""Lines of the console, both ways: what a person may type as an operation, a reply as values.

Pure. The grammar is the console's own (kernel/console/README.md). How an operation is written is
the operation's `str`; `parse_line` is the inverse of that, and takes all that the console takes:
numbers decimal or hexadecimal, optional words left out. What a reply is made of is the operation's
`shapes`; here is how each kind of value is spelled.
"""

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from ringbench.drive.reply import Reply
from ringbench.errors import ConfigError, MalformedReply
from ringbench.subjects.reference.vocabulary.constants import AccessVector, VmKind
from ringbench.subjects.reference.vocabulary.flags import flags_text, parse_flags
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.table import OPERATIONS
from ringbench.subjects.reference.vocabulary.status import Status
from ringbench.subjects.reference.vocabulary.values import ValueKind
from ringbench.subjects.reference.vocabulary.words import word_of


class MalformedLine(ConfigError):
    """A line that is no operation; the text says what is wrong with it."""


_BY_COMMAND: Final = {tuple(operation.command.split()): operation for operation in OPERATIONS}


def parse_line(line: str) -> Operation:
    """Return the operation that a line asks for: `vm alloc t1 0x3000 demand rwu`.

    Raises:
        MalformedLine: no command, or words that do not fit it.
    """
    words = line.split()
    for length in (2, 1):
        operation = _BY_COMMAND.get(tuple(words[:length]))
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
    values: dict[str, Any] = {}
    for field, word in zip(wanted, words, strict=False):
        try:
            values[field.name] = word_of(field.name).read(word)
        except ValueError as error:
            raise MalformedLine(f"`{line}`: {field.name} {word!r}: {error}") from None
    try:
        return operation(**values)
    except ValueError as error:
        raise MalformedLine(f"`{line}`: {error}") from None


def _shown(field: Field[Any]) -> str:
    return field.name if field.default is MISSING else f"[{field.name}]"


def parse_reply(operation: Operation, text: str) -> Reply:
    """Return the reply to an operation from its text; lines for people are passed over.

    Raises:
        MalformedReply: no status line, more than one, or values that do not fit the operation.
    """
    status_lines = [
        line for line in text.splitlines() if line.strip() and not line.startswith("  ")
    ]
    if len(status_lines) != 1:
        raise MalformedReply(
            f"`{operation}`: expected one status line, got {len(status_lines)}: {text!r}"
        )
    first, *words = status_lines[0].split()
    try:
        if first == "ok":
            return Reply("ok", _values(operation, words))
        if first == "err" and words and words[0] in ERRORS:
            return Reply(words[0], _error_values(operation, words[0], words[1:]))
        raise ValueError("neither `ok` nor `err` with a known status")
    except ValueError as error:
        raise MalformedReply(
            f"`{operation}`: malformed reply {status_lines[0]!r}: {error}"
        ) from error


def _values(operation: Operation, words: list[str]) -> tuple[int | str, ...]:
    forms = operation.shapes("ok")
    for shape in forms:
        if len(shape) == len(words):
            return tuple(_VALUES[kind](word) for kind, word in zip(shape, words, strict=True))
    counts = " or ".join(str(len(shape)) for shape in forms)
    raise ValueError(f"{len(words)} values, expected {counts}")


def _error_values(operation: Operation, status: str, words: list[str]) -> tuple[int | str, ...]:
    """Return what belongs to an error; the words after it are for people."""
    [shape] = operation.shapes(status)
    if len(words) < len(shape):
        raise ValueError(f"`{status}` without what belongs to it")
    return tuple(_VALUES[kind](word) for kind, word in zip(shape, words, strict=False))


def _matching(pattern: str) -> Callable[[str], str]:
    def read(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise ValueError(f"{word!r} does not match {pattern}")
        return word

    return read


def _hexadecimal(word: str) -> int:
    if not re.fullmatch("0x[0-9a-f]{1,16}", word):
        raise ValueError(f"{word!r} is not a hexadecimal number")
    return int(word, 16)


def _decimal(word: str) -> int:
    if not re.fullmatch("[0-9]{1,20}", word):
        raise ValueError(f"{word!r} is not a decimal number")
    return int(word)


def _flags(word: str) -> str:
    return flags_text(parse_flags(word))


def _error_code(word: str) -> int:
    return _hexadecimal(_after("error=", word))


def _cause(word: str) -> str:
    return _status(_after("cause=", word))


def _after(key: str, word: str) -> str:
    if not word.startswith(key):
        raise ValueError(f"{word!r} is not {key}...")
    return word.removeprefix(key)


ERRORS: Final = tuple(status.text for status in Status if status is not Status.OK)
"""What may follow `err`."""

_status: Final = _matching("|".join(ERRORS))

_VALUES: Final[dict[ValueKind, Callable[[str], int | str]]] = {
    ValueKind.ADDRESS: _hexadecimal,
    ValueKind.COUNT: _decimal,
    ValueKind.ROOT: _matching("r[0-9]+"),
    ValueKind.TASK: _matching("t[0-9]+"),
    ValueKind.DISK: _matching("d[0-9]+"),
    ValueKind.FILE: _matching("f[0-9]+"),
    ValueKind.OBJECT: _matching("o[0-9]+"),
    ValueKind.FLAGS: _flags,
    ValueKind.BACKING: _matching("|".join(VmKind.texts())),
    ValueKind.BYTES: _matching("([0-9a-f]{2})+"),
    ValueKind.VECTOR: _matching("|".join(AccessVector.texts())),
    ValueKind.ERROR: _error_code,
    ValueKind.CAUSE: _cause,
}
"""Kind of value -> what makes it out of a word, which must be spelled just so."""
