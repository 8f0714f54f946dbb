"""What the values in the tables `[layout]` must be: by the annotation of each key's field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

from ringbench.config import values
from ringbench.config.layout import PARTS, PREFIX, Number
from ringbench.config.member_text import MemberText, parse_members


def _members(value: object, folder: Path) -> MemberText:
    if isinstance(value, MemberText):
        return value
    if isinstance(value, int):
        value = str(int(value))
    try:
        return parse_members(values.word(value, folder))
    except values.Expected:
        raise
    except ValueError as error:
        raise values.Expected(str(error)) from None


def _number(value: object, folder: Path) -> Number:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return value
    return values.word(value, folder)


def _set(value: object, folder: Path) -> str:
    if value not in ("used", "free"):
        raise values.Expected('"used" or "free"')
    return str(value)


def _optional(rule: values.Rule) -> values.Rule:
    return lambda value, folder: None if value is None else rule(value, folder)


_KINDS: Final[Mapping[str, values.Rule]] = {
    "str": values.word,
    "str | None": _optional(values.word),
    "MemberText": _members,
    "MemberText | None": _optional(_members),
    "Number": _number,
    "Number | None": _optional(_number),
    "bool": values.flag,
}
"""A field's annotation -> what its value in the file must be."""

RULES: Final[dict[str, dict[str, values.Rule]]] = {
    PREFIX + part: {each.name: _KINDS[str(each.type)] for each in fields(kind)}  # type: ignore[arg-type]
    for part, kind in PARTS.items()
}
"""Table -> key -> what its value must be."""
RULES["layout.frames"]["set"] = _set
