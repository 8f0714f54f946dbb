"""A kernel's code as its file has it, to be recognised where it runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ringbench.debuginfo.elf import load_segments

PAGE: Final = 4096
_PIECE: Final = 16
_FEW: Final = 4
_ENOUGH: Final = 0.5
"""Of a page's pieces that have anything in them, how many must be the same.

A kernel changes some of its own code as it begins: addresses where it moved to, instructions that
this processor has or lacks, a debugger's breakpoints.
"""


def slides(path: Path, address: int, page: bytes) -> list[int]:
    """Return how far a kernel can have moved, if `page`, a whole one, is at `address` as it runs.

    One answer is the rule; none if that is not its code, several if the page is in it repeatedly.

    Raises:
        ImageError: not a usable ELF file.
    """
    pieces = [
        (start, page[start : start + _PIECE])
        for start in range(0, PAGE, _PIECE)
        if len(set(page[start : start + _PIECE])) > 1  # no padding
    ]
    found: dict[int, float] = {}
    for linked, code in _pages(path):
        same = sum(code[start : start + _PIECE] == piece for start, piece in pieces)
        if same >= max(_FEW, _ENOUGH * len(pieces)):
            found[address - linked] = same
    best = max(found.values(), default=0)
    return [slide for slide, same in found.items() if same == best]


def _pages(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the address and the bytes of each page of code, filled up with NULs."""
    segments = [(each.vaddr, each.content) for each in load_segments(path) if each.executable]
    for address, data in segments:
        before = address % PAGE
        whole = bytes(before) + data
        for start in range(0, len(whole), PAGE):
            yield address - before + start, whole[start : start + PAGE].ljust(PAGE, b"\0")
