"""The monitor's grammar: operations as lines, reply lines as values (kernel/console/README.md).

Pure. What a command answers is stated in `ringbench.drive.shapes`; here is how each kind of value
is spelled on a line.
"""

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from ringbench.drive import operations as ops
from ringbench.drive.flags import flags_text, parse_flags
from ringbench.drive.operations import Operation, Reply
from ringbench.drive.shapes import Kind, MalformedReply, shapes

__all__ = ["COMMANDS", "MalformedReply", "monitor_line", "parse_reply"]

PAGE_SIZE_WORDS: Final = {1 << 12: "4k", 1 << 21: "2m", 1 << 30: "1g"}
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

COMMANDS: Final[dict[type[Operation], str]] = {
    ops.PmmAlloc: "pmm alloc",
    ops.PmmAlloc2m: "pmm alloc2m",
    ops.PmmFree: "pmm free",
    ops.PmmInfo: "pmm info",
    ops.PageNew: "page new",
    ops.PageDelete: "page delete",
    ops.PageMap: "page map",
    ops.PageUnmap: "page unmap",
    ops.PageProtect: "page protect",
    ops.PageQuery: "page query",
    ops.VmAlloc: "vm alloc",
    ops.VmAllocAt: "vm at",
    ops.VmFree: "vm free",
    ops.VmProtect: "vm protect",
    ops.VmResize: "vm resize",
    ops.VmQuery: "vm query",
    ops.VmRead: "vm read",
    ops.VmWrite: "vm write",
    ops.VmCopy: "vm copy",
    ops.Touch: "touch",
    ops.HeapAlloc: "heap alloc",
    ops.HeapZalloc: "heap zalloc",
    ops.HeapAlign: "heap align",
    ops.HeapRealloc: "heap realloc",
    ops.HeapFree: "heap free",
    ops.HeapCheck: "heap check",
    ops.HeapInfo: "heap info",
    ops.TaskNew: "task new",
    ops.TaskSwitch: "task switch",
    ops.TaskDelete: "task delete",
}

_SHOWN: Final[dict[str, Callable[[Any], str]]] = {
    "count": str,
    "flags": flags_text,
    "data": bytes.hex,
    "page_size": PAGE_SIZE_WORDS.__getitem__,
}


def monitor_line(operation: Operation) -> str:
    """Return the command line for an operation: `vm alloc t1 0x3000 demand rwu`.

    Raises:
        ValueError: flags or a page size that the grammar has no word for.
    """
    words = [COMMANDS[type(operation)]]
    for field in fields(operation):
        value = getattr(operation, field.name)
        if value is None:
            continue
        words.append(_word(field.name, value))
    return " ".join(words)


def _word(name: str, value: object) -> str:
    if name == "page_size" and value not in PAGE_SIZE_WORDS:
        raise ValueError(f"the monitor has no word for a page size of {value}")
    if name in _SHOWN:
        return _SHOWN[name](value)
    return hex(value) if isinstance(value, int) else str(value)


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
            f"`{monitor_line(operation)}`: expected one status line, got {len(status_lines)}:"
            f" {text!r}"
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
            f"`{monitor_line(operation)}`: malformed reply {status_lines[0]!r}: {error}"
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
