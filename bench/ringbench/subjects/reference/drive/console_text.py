"""The monitor's grammar: operations as lines, reply lines as values (kernel/monitor/README.md).

Pure. What a command answers is stated in `shapes`; here is how each kind of value is spelled
on a line.
"""

import re
from collections.abc import Callable
from typing import Final

from ringbench.drive.operation import Reply
from ringbench.errors import MalformedReply
from ringbench.subjects.reference.flags import flags_text, parse_flags
from ringbench.subjects.reference.operations import Operation
from ringbench.subjects.reference.shapes import Kind, shapes

KINDS: Final = ("anonymous", "demand", "physical", "guard")
STATUSES: Final = frozenset(
    (
        *("invalid", "misaligned", "non_canonical", "out_of_range", "no_memory", "no_space"),
        *("not_allocated", "foreign", "mapped", "not_mapped", "unsupported", "denied", "guard"),
        *("double_free", "interior", "corrupt", "not_found", "busy", "fault", "syntax"),
        "too_long",
    )
)
VECTORS: Final = ("page_fault", "general_protection")


def _hexadecimal(word: str) -> int:
    if not re.fullmatch("0x[0-9a-f]{1,16}", word):
        raise ValueError(f"{word!r} is not a hexadecimal number")
    return int(word, 16)


def _decimal(word: str) -> int:
    if not re.fullmatch("[0-9]{1,20}", word):
        raise ValueError(f"{word!r} is not a decimal number")
    return int(word)


def _pattern(pattern: str) -> Callable[[str], str]:
    def convert(word: str) -> str:
        if not re.fullmatch(pattern, word):
            raise ValueError(f"{word!r} does not match {pattern}")
        return word

    return convert


def _flags(word: str) -> str:
    return flags_text(parse_flags(word))


_STATUS: Final = _pattern("|".join(sorted(STATUSES)))


def _error_code(word: str) -> int:
    return _hexadecimal(_after("error=", word))


def _cause(word: str) -> str:
    return _STATUS(_after("cause=", word))


def _after(key: str, word: str) -> str:
    if not word.startswith(key):
        raise ValueError(f"{word!r} is not {key}...")
    return word.removeprefix(key)


_WORDS: Final[dict[Kind, Callable[[str], int | str]]] = {
    Kind.ADDRESS: _hexadecimal,
    Kind.COUNT: _decimal,
    Kind.ROOT: _pattern("r[0-9]+"),
    Kind.TASK: _pattern("t[0-9]+"),
    Kind.FLAGS: _flags,
    Kind.BACKING: _pattern("|".join(KINDS)),
    Kind.BYTES: _pattern("([0-9a-f]{2})+"),
    Kind.VECTOR: _pattern("|".join(VECTORS)),
    Kind.ERROR: _error_code,
    Kind.CAUSE: _cause,
}


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
        if first == "err" and words and words[0] in STATUSES:
            return Reply(words[0], _error_values(operation, words[0], words[1:]))
        raise ValueError("neither `ok` nor `err` with a known status")
    except ValueError as error:
        raise MalformedReply(
            f"`{operation}`: malformed reply {status_lines[0]!r}: {error}"
        ) from error


def _values(operation: Operation, words: list[str]) -> tuple[int | str, ...]:
    forms = shapes(type(operation), "ok")
    for shape in forms:
        if len(shape) == len(words):
            return tuple(_WORDS[kind](word) for kind, word in zip(shape, words, strict=True))
    counts = " or ".join(str(len(shape)) for shape in forms)
    raise ValueError(f"{len(words)} values, expected {counts}")


def _error_values(operation: Operation, status: str, words: list[str]) -> tuple[int | str, ...]:
    """Return what belongs to an error; the words after it are for people."""
    [shape] = shapes(type(operation), status)
    if len(words) < len(shape):
        raise ValueError(f"`{status}` without what belongs to it")
    return tuple(_WORDS[kind](word) for kind, word in zip(shape, words, strict=False))
