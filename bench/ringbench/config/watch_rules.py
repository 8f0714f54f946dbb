"""What the values in the tables `[watch]` must be: a rule a key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ringbench.config import values
from ringbench.config.call_text import parse_call
from ringbench.config.watch import PREFIX, RESULT, Calls, WatchedCall

_COUNTED: Final = re.compile(r"(.*\))\s+of\s+([0-9]{1,9})\s*")


def _calls(*allowed: str, needs: str = "") -> values.Rule:
    def rule(value: object, folder: Path) -> Calls:
        if not isinstance(value, list | tuple):
            raise values.Expected('a list of calls, such as ["kmalloc({size})"]')
        return tuple(_call(each, folder, allowed, needs) for each in value)

    return rule


def _call(value: object, folder: Path, allowed: tuple[str, ...], needs: str) -> WatchedCall:
    if isinstance(value, WatchedCall):
        return value
    text = values.word(value, folder)
    counted = _COUNTED.fullmatch(text)
    try:
        call = parse_call(counted[1] if counted else text)
    except ValueError as error:
        raise values.Expected(str(error)) from None
    if strange := [name for name in call.names if name not in (*allowed, RESULT)]:
        known = ", ".join(f"{{{name}}}" for name in (*allowed, RESULT))
        raise values.Expected(f"placeholders among {known}, not {{{strange[0]}}}")
    if needs and not {needs, RESULT} & {*call.names}:
        raise values.Expected(f"a call with {{{needs}}}")
    return WatchedCall(call, int(counted[2]) if counted else 1)


def _names(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise values.Expected("a list of functions")
    return tuple(values.word(each, folder) for each in value)


def _number(value: object, folder: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 64:
        raise values.Expected("a number of at most 64 bits")
    return value % (1 << 64)


def _ok(value: object, folder: Path) -> int | None:
    return None if value is None else _number(value, folder)


def _address(value: object, folder: Path) -> str:
    if value not in ("physical", "virtual", "number"):
        raise values.Expected("one of physical, virtual, number")
    return str(value)


_ANY: Final[dict[str, values.Rule]] = {
    "none": _number,
    "ok": _ok,
    "refuses": values.yes_or_no,
    "address": _address,
    "own": _names,
}
_FRAMES: Final = ("count", "bytes", "align", "frame")

RULES: Final[dict[str, dict[str, values.Rule]]] = {
    f"{PREFIX}heap": {
        "alloc": _calls("size", "align", "count", needs="size"),
        "zalloc": _calls("size", "align", "count", needs="size"),
        "realloc": _calls("size", "block", needs="size"),
        "free": _calls("block", "size", needs="block"),
        "usable": _calls("block", needs="block"),
        **_ANY,
    },
    f"{PREFIX}frames": {
        "alloc": _calls(*_FRAMES),
        "zalloc": _calls(*_FRAMES),
        "realloc": _calls(),
        "free": _calls(*_FRAMES, needs="frame"),
        "usable": _calls(),
        **_ANY,
    },
}
"""Table -> key -> what its value must be."""
