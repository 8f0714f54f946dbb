"""The text screen of a VGA card, read from the guest's memory, as a stream of text.

A screen has no beginning and no end: it is looked at again and again, and what is new on it is what
the guest said. Lines that scroll by between two looks are lost, which a kernel that writes faster
than 25 lines in one interval must expect.

Reference: IBM VGA, text mode 3: 80 x 25 cells at 0xb8000, character and attribute.
"""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from ringbench.machine.qmp import Qmp

ADDRESS = 0xB8000
COLUMNS, ROWS = 80, 25
SIZE = COLUMNS * ROWS * 2
MOST_STRANGE = COLUMNS * ROWS // 20  # cells that are no text; more of them are a picture
TRIES = 5
LEAST_LEFT = 8  # characters
Rows = tuple[str, ...]
_GREETING = "SeaBIOS (version"
# What it leaves for the kernel to clear.
_FIRMWARE = re.compile(r"(SeaBIOS|iPXE|Booting from|Boot failed:) ")


class Screen:
    """Looks at the screen of the guest behind `qmp`, by way of a file in `folder`."""

    def __init__(self, qmp: Qmp, folder: Path) -> None:
        self._qmp = qmp
        self._file = folder / "screen"
        self._firmware: dict[int, str] = {}
        self.rows: Rows = ()

    def look(self) -> bytes:
        """Return what is new since the last look; nothing if QEMU does not answer now.

        Raises:
            QmpError: QEMU is gone.
        """
        if self._qmp.closed or self._qmp.silent:
            return b""
        cells = self._read()
        for _ in range(TRIES):  # a screen that is just being scrolled is half old, half new
            before, cells = cells, self._read()
            if cells == before:
                break
        rows = rows_of(cells, self._firmware)
        if rows is None or rows == self.rows:
            return b""
        news, self.rows = difference(self.rows, rows), rows
        return news.encode()

    def _read(self) -> bytes:
        self._qmp.command("pmemsave", val=ADDRESS, size=SIZE, filename=str(self._file))
        return self._file.read_bytes()


def rows_of(cells: bytes, firmware: dict[int, str] | None = None) -> Rows | None:
    """Return the rows without blanks at their ends, up to the last with text; None: no text.

    Characters are those of code page 437. Rows that the firmware printed count as blank, and so
    does what is left of one that was written over; `firmware` remembers them from look to look.
    """
    firmware = {} if firmware is None else firmware
    characters = cells[::2]
    text = characters.replace(b"\0", b" ").replace(b"\xff", b" ")
    if sum(code < 0x20 for code in text) > MOST_STRANGE:
        return None
    shown = text.decode("cp437")
    rows = [shown[at : at + COLUMNS].rstrip() for at in range(0, COLUMNS * ROWS, COLUMNS)]
    for number, row in enumerate(rows):
        if _FIRMWARE.match(row) or _GREETING.startswith(row):
            firmware[number] = row
        left = _left_of(row, firmware.get(number, ""))
        if left < LEAST_LEFT and row:
            firmware.pop(number, None)  # all of it was written over, by what is alike by chance
            left = 0
        rows[number] = row[: len(row) - left].rstrip()
    while rows and not rows[-1]:
        rows.pop()
    return tuple(rows)


def _left_of(row: str, firmware: str) -> int:
    """Return at how many characters of its end the row is as the firmware wrote it."""
    if len(row) != len(firmware):
        return 0
    pairs = zip(reversed(row), reversed(firmware), strict=True)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def difference(before: Rows, after: Rows) -> str:
    """Return what was written between two looks.

    The rows scrolled up by as many as explains most; the last of them may have got longer. A screen
    that has nothing in common with the one before is new text.
    """
    if not before:
        return "\r\n".join(after)
    complete = len(before) - 1
    for scrolled in range(len(before)):
        kept = before[scrolled:complete]
        at = complete - scrolled
        wrong = sum(old != new for old, new in zip(kept, after, strict=False))
        if at >= len(after) or wrong > len(kept) // 4:
            continue
        old, new = before[complete], after[at]
        if not kept and not new.startswith(old):
            continue
        first = new[len(old) :] if new.startswith(old) else f"\r\x1b[K{new}"
        return "\r\n".join([first, *after[at + 1 :]])
    return "\r\n" + "\r\n".join(after)
