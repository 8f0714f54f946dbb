"""A line as a terminal would show it, whatever a kernel's line editor did to get it there."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_STEP = re.compile(
    r"\x1b\[([0-9;?]*)([@-~])|\x1b[()].|\x1b\][^\x07\x1b]*\x07?|\x1b.?|(.)", re.DOTALL
)
_CUT_SHORT = re.compile(rb"\x1b(?:\[[0-9;?]*|\][^\x07\x1b]*|[()])?\Z")
MOST_COLUMNS = 1 << 12  # no line editor goes further to the right by itself


def shown(raw: bytes) -> str:
    """Return the text of one line: what is written over is gone, colours are left out.

    Known are carriage return, backspace, and of the sequences of ECMA-48 those that move the cursor
    within a line, and that erase, insert and delete in it. A sequence that has not come whole is
    left out.
    """
    text = _CUT_SHORT.sub(b"", raw).decode("utf-8", "replace").rstrip("\r")
    return text if _SPECIAL.search(text) is None else _performed(text)


def _performed(text: str) -> str:
    cells: list[str] = []
    column = 0
    for step in _STEP.finditer(text):
        parameter, final, character = step.groups()
        if final is not None:
            column = _control(cells, column, parameter, final)
        elif character == "\r":
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        elif character is not None and (character == "\t" or _SPECIAL.match(character) is None):
            cells.extend(" " * (column - len(cells)))
            cells[column : column + 1] = [character]
            column += 1
    return "".join(cells)


def _control(cells: list[str], column: int, parameter: str, final: str) -> int:
    """Perform one control sequence on the line; return the column after it (ECMA-48, 8.3)."""
    first = parameter.partition(";")[0]
    number = min(int(first), MOST_COLUMNS) if first.isdecimal() else 0
    count = max(1, number)
    if final == "C":
        return min(column + count, MOST_COLUMNS)
    if final == "D":
        return max(0, column - count)
    if final in "G`":
        return count - 1
    if final == "H":
        return 0
    if final == "K" or final == "J":
        if number == 0:
            del cells[column:]
        elif number == 1:
            cells[:column] = " " * column
        else:
            cells.clear()
    elif final == "P":
        del cells[column : column + count]
    elif final == "@":
        cells[column:column] = " " * count
    return column
