"""What the values in the tables `[contracts]` must be: a rule a key.

Every rule takes what it has made as well, because a `Config` is checked again when it is changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ringbench.config import values
from ringbench.config.call_text import CallText, parse_call

HEAP_MISUSE: Final = (
    *("double-free", "foreign-free", "free-none"),
    *("zero-size", "huge-size"),
)
PAGES_MISUSE: Final = ("map-mapped", "unmap-unmapped")
FRAMES_MISUSE: Final = ("double-free",)


def _call(*needed: str, optional: tuple[str, ...] = ()) -> values.Rule:
    """Return the rule for a call that has these placeholders, and may have others."""
    allowed = (*needed, *optional)

    def rule(value: object, folder: Path) -> CallText:
        if isinstance(value, CallText):
            return value
        try:
            call = parse_call(values.word(value, folder))
        except values.Expected:
            raise
        except ValueError as error:
            raise values.Expected(str(error)) from None
        if strange := [name for name in call.names if name not in allowed]:
            known = ", ".join(f"{{{name}}}" for name in allowed) or "none"
            raise values.Expected(f"placeholders among {known}, not {{{strange[0]}}}")
        if missing := [name for name in needed if name not in call.names]:
            raise values.Expected(f"a call with {{{missing[0]}}}")
        return call

    return rule


def _run(*needed: str, optional: tuple[str, ...] = ()) -> values.Rule:
    """Return the rule for a call that is told how long a run of frames is: frames, or bytes."""

    def rule(value: object, folder: Path) -> CallText:
        call = _call(*needed, optional=("count", "bytes", *optional))(value, folder)
        assert isinstance(call, CallText)
        if not {"count", "bytes"} & {*call.names}:
            raise values.Expected("a call with {count} or {bytes}")
        return call

    return rule


def _given(*, run: bool = False) -> values.Rule:
    """Return the rule for a call that gives a frame back, or frames in a row."""
    names = ("frame", "physical", "number")

    def rule(value: object, folder: Path) -> CallText:
        call = (_run(optional=names) if run else _call(optional=names))(value, folder)
        assert isinstance(call, CallText)
        if not {*names} & {*call.names}:
            raise values.Expected("a call with {frame}, or with {physical} or {number}")
        return call

    return rule


def _size(value: object, folder: Path) -> int:
    """The size of a frame, which is one that pages have."""
    sizes = {"4K": 1 << 12, "2M": 1 << 21, "1G": 1 << 30}
    if isinstance(value, int) and value in sizes.values():
        return value
    if value not in sizes:
        raise values.Expected('one of "4K", "2M", "1G"')
    return sizes[str(value)]


def _extent(what: str, *, optional: tuple[str, ...]) -> values.Rule:
    """Return the rule for a call on a region: told `what`, or the ends before and after it."""

    def rule(value: object, folder: Path) -> CallText:
        allowed = (what, *optional, "old", "new", *(("pages",) if what == "size" else ()))
        call = _call(optional=allowed)(value, folder)
        assert isinstance(call, CallText)
        names = {*call.names}
        ends = names & {"old", "new"}
        if len(ends) == 1 or (ends and names & {"size", "pages", "address"}):
            raise values.Expected("{old} and {new} together, and nothing else that says how much")
        if not ends and not names & {what, "pages" if what == "size" else what}:
            raise values.Expected(f"a call with {{{what}}}, or with {{old}} and {{new}}")
        return call

    return rule


def _value(value: object, folder: Path) -> CallText | str:
    """A variable, its address if `&` is before its name, or a call without placeholders."""
    if isinstance(value, str) and value.strip().removeprefix("&").isidentifier():
        return value.strip()
    return _count(value, folder)


def _page(value: object, folder: Path) -> int:
    number = _number(value, folder)
    if number % values.PAGE:
        raise values.Expected("an address that is a multiple of 4 KiB")
    return number


def _count(value: object, folder: Path) -> CallText | str:
    """A variable's name, or a call without placeholders."""
    if isinstance(value, CallText):
        return value
    text = values.word(value, folder).strip()
    if text.isidentifier():
        return text
    call = _call()(text, folder)
    assert isinstance(call, CallText)
    return call


def _number(value: object, folder: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 64:
        raise values.Expected("a number of at most 64 bits")
    return value % (1 << 64)


def _power_of_two(value: object, folder: Path) -> int | None:
    if value is None:
        return None
    number = _number(value, folder)
    if not 0 < number <= 1 << 30 or number & number - 1:
        raise values.Expected("a power of two up to 1 GiB")
    return number


def _bytes(value: object, folder: Path) -> int:
    number = _number(value, folder)
    if not 16 <= number <= 1 << 40:
        raise values.Expected("a number of bytes from 16 to 1 TiB")
    return number


def _truth(value: object, folder: Path) -> bool:
    if not isinstance(value, bool):
        raise values.Expected("true or false")
    return value


def _among(*known: str) -> values.Rule:
    def rule(value: object, folder: Path) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or any(each not in known for each in value):
            raise values.Expected(f"a list of some of {', '.join(known)}")
        return tuple(value)

    return rule


def _one_of(*known: str) -> values.Rule:
    def rule(value: object, folder: Path) -> str:
        if value not in known:
            raise values.Expected(f"one of {', '.join(known)}")
        return str(value)

    return rule


def _optional(rule: values.Rule) -> values.Rule:
    return lambda value, folder: None if value is None else rule(value, folder)


def _range(value: object, folder: Path) -> tuple[int, int]:
    """Two addresses: multiples of a page, in order, in one half of the address space."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise values.Expected("a list of two addresses: [0x400000, 0x800000]")
    start, end = (_number(each, folder) for each in value)
    if start % values.PAGE or end % values.PAGE or start + values.PAGE > end:
        raise values.Expected("two addresses in order, both multiples of 4 KiB")
    if start >> 47 != (end - 1) >> 47 or start >> 47 not in (0, 0x1FFFF):
        raise values.Expected("two canonical addresses, both in one half of the address space")
    return start, end


RULES: Final[dict[str, dict[str, values.Rule]]] = {
    "contracts": {"at": _optional(values.word), "interrupts": _truth},
    "contracts.frames": {
        "alloc": _call(),
        "free": _given(),
        "alloc_run": _optional(_run(optional=("align",))),
        "free_run": _optional(_given(run=True)),
        "count": _optional(_count),
        "none": _number,
        "address": _one_of("physical", "virtual", "number"),
        "size": _size,
        "keeps_modules": _truth,
        "exhaust": _truth,
        "misuse": _among(*FRAMES_MISUSE),
    },
    "contracts.heap": {
        "alloc": _call("size"),
        "free": _call("block"),
        "zalloc": _optional(_call("size")),
        "aligned": _optional(_call("size", optional=("align",))),
        "realloc": _optional(_call("block", "size")),
        "usable": _optional(_call("block")),
        "none": _number,
        "align": _power_of_two,
        "aligned_to": _power_of_two,
        "largest": _bytes,
        "merges": _truth,
        "undoes": _truth,
        "exhaust": _truth,
        "misuse": _among(*HEAP_MISUSE),
    },
    "contracts.pages": {
        "map": _call("virtual", "physical", "flags", optional=("root",)),
        "unmap": _call("virtual", optional=("root",)),
        "range": _range,
        "protect": _optional(_call("virtual", "flags", optional=("root",))),
        "translate": _optional(_call("virtual", optional=("root",))),
        "ok": _optional(_number),
        "translated": _one_of("address", "exact", "entry"),
        "not_mapped": _number,
        "always": _number,
        "write": _number,
        "user": _number,
        "no_execute": _number,
        "undoes": _truth,
        "misuse": _among(*PAGES_MISUSE),
    },
    "contracts.regions": {
        "alloc": _extent("size", optional=("flags", "root", "space")),
        "free": _extent("address", optional=("size", "pages", "root", "space")),
        "space": _optional(_value),
        "base": _page,
        "none": _number,
        "demand": _truth,
        "zeroed": _truth,
        "always": _number,
        "write": _number,
        "user": _number,
        "no_execute": _number,
        "largest": _bytes,
        "undoes": _truth,
        "exhaust": _truth,
    },
}
"""Table -> key -> what its value must be."""
