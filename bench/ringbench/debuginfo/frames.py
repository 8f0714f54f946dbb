"""Call frame information: where a function has its caller's return address and registers.

Reference: DWARF 5, 6.4; System V ABI for AMD64, 3.6.2 (numbers of registers). Of the rules only
those that compilers make for ordinary functions are followed: an offset from a register.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

RBP: Final = 6
RSP: Final = 7
RETURN: Final = 16


@dataclass(frozen=True, slots=True)
class Frame:
    """A function's frame as far as a caller is found by it: where it runs, and two registers.

    `guessed` is of one whose `pc` only looks like a return address.
    """

    pc: int
    sp: int
    bp: int
    guessed: bool = False


class CallFrames:
    """The frames that one table describes: ``.debug_frame``, or ``.eh_frame``."""

    def __init__(self, entries: Iterable[Any]) -> None:
        from elftools.dwarf.callframe import FDE

        described = [entry for entry in entries if isinstance(entry, FDE)]
        self._entries = sorted(described, key=lambda entry: int(entry["initial_location"]))
        self._starts = [int(entry["initial_location"]) for entry in self._entries]

    def caller(self, frame: Frame, at: int, word: Callable[[int], int | None]) -> Frame | None:
        """Return the frame of who called `frame`; None if this does not say or it is not there.

        `at` is the address to look up: of a frame that waits for a call to return, one before its
        `pc`. `word` reads eight bytes of memory.
        """
        position = bisect_right(self._starts, at) - 1
        if position < 0:
            return None
        entry = self._entries[position]
        if at >= self._starts[position] + entry["address_range"]:
            return None
        rows = [row for row in entry.get_decoded().table if row["pc"] <= at]
        if not rows:
            return None
        row = rows[-1]
        base = {RSP: frame.sp, RBP: frame.bp}.get(row["cfa"].reg)
        if base is None or row["cfa"].offset is None:
            return None
        top = base + row["cfa"].offset
        pc = _saved(row, RETURN, top, word, None)
        bp = _saved(row, RBP, top, word, frame.bp)
        return None if pc is None or bp is None else Frame(pc, top, bp)


def _saved(
    row: Any, register: int, top: int, word: Callable[[int], int | None], same: int | None
) -> int | None:
    """Return a register of the caller: stored at an offset from `top`, or the `same` as here."""
    rule = row.get(register)
    if rule is None or rule.type in ("SAME_VALUE", "UNDEFINED"):
        return same
    return word(top + rule.arg) if rule.type == "OFFSET" else None
