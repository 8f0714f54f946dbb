"""Page tables as a second witness sees them: QEMU, against the bench's own walk.

QEMU answers three questions over its monitor, each from code of its own:

- `info tlb`: every leaf, with the bits of the leaf entry alone (not the effective rights);
- `info mem`: ranges of equal effective user and write rights, physical addresses left out;
- `gva2gpa VA`: one translation.

Each answer is compared with the walk of the same tables, read from memory while the guest stood
still.

What QEMU 7.2 does not look at cannot be compared: no-execute in `info mem`, reserved bits
anywhere. So leaves of QEMU that lie where the walk reports a problem are left out of account. Its
`info mem` joins ranges in a flat 48-bit space, also across the hole between the halves.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE, VIRTUAL_SPACE, sign_extend
from ringbench.arch.x86_64.entry import NX, PCD, PWT, A, D, G, U, W
from ringbench.arch.x86_64.records import Leaf, Problem, Translation
from ringbench.check.mismatch import Mismatch
from ringbench.errors import RingbenchError

LAYER: Final = "paging"

_TLB_LINE: Final = re.compile(r"([0-9a-f]{16}): ([0-9a-f]{16}) ([-XGPDACTUW]{9})")
_MEM_LINE: Final = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16}) ([0-9a-f]{16}) ([-u])r([-w])")
_GPA: Final = re.compile(r"gpa: (?:0x)?([0-9a-f]+)")

_TLB_PHYSICAL: Final = (1 << 50) - 1
"""QEMU 7.2 prints no physical address bit above 49."""


@dataclass(frozen=True, slots=True)
class TlbLine:
    """A line of `info tlb`; `flags` is its nine letters XGPDACTUW, `-` for each clear bit."""

    vaddr: int
    paddr: int
    flags: str


@dataclass(frozen=True, slots=True)
class MemLine:
    """A line of `info mem`: addresses in the flat 48-bit space, rights effective ones."""

    start: int
    end: int
    user: bool
    write: bool

    def __str__(self) -> str:
        rights = f"{'u' if self.user else '-'}r{'w' if self.write else '-'}"
        return f"{sign_extend(self.start):#x}..{sign_extend(self.end - 1):#x} {rights}"


def parse_info_tlb(text: str) -> tuple[TlbLine, ...]:
    """Read `info tlb`.

    Raises:
        RingbenchError: a line that is none of its kind; the message has it.
    """
    lines = _lines("info tlb", _TLB_LINE, text)
    return tuple(TlbLine(int(line[1], 16), int(line[2], 16), line[3]) for line in lines)


def parse_info_mem(text: str) -> tuple[MemLine, ...]:
    """Read `info mem`.

    Raises:
        RingbenchError: a line that is none of its kind; the message has it.
    """
    lines = []
    for line in _lines("info mem", _MEM_LINE, text):
        start, length = int(line[1], 16) % VIRTUAL_SPACE, int(line[3], 16)
        lines.append(MemLine(start, start + length, line[4] == "u", line[5] == "w"))
    return tuple(lines)


def parse_gva2gpa(text: str) -> int | None:
    """Read the answer to `gva2gpa VA`: a physical address, or None for an unmapped one.

    Raises:
        RingbenchError: neither of the two; the message has it.
    """
    if text.strip() == "Unmapped":
        return None
    match = _GPA.fullmatch(text.strip())
    if match is None:
        raise _not_understood("gva2gpa", text)
    return int(match[1], 16)


def _lines(command: str, form: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the lines of an answer, all of one form; blank ones are left out."""
    for line in filter(None, map(str.strip, text.splitlines())):
        match = form.fullmatch(line)
        if match is None:
            raise _not_understood(command, line)
        yield match


def _not_understood(command: str, line: str) -> RingbenchError:
    return RingbenchError(f"QEMU's answer to `{command}` is not understood: {line.strip()!r}")


def tlb_line(leaf: Leaf) -> TlbLine:
    """Return the line that QEMU prints for a leaf."""
    raw = leaf.raw
    letters = (
        ("X", raw & NX),
        ("G", raw & G),
        ("P", leaf.size > PAGE_SIZE),
        ("D", raw & D),
        ("A", raw & A),
        ("C", raw & PCD),
        ("T", raw & PWT),
        ("U", raw & U),
        ("W", raw & W),
    )
    flags = "".join(letter if is_set else "-" for letter, is_set in letters)
    return TlbLine(leaf.vaddr, leaf.paddr & _TLB_PHYSICAL, flags)


def mem_lines(leaves: Iterable[Leaf]) -> Iterator[MemLine]:
    """Return the lines that QEMU prints for leaves in address order."""
    last: MemLine | None = None
    for leaf in leaves:
        start = leaf.vaddr % VIRTUAL_SPACE
        if last is not None and (last.end, last.user, last.write) == (start, leaf.user, leaf.write):
            last = MemLine(last.start, start + leaf.size, leaf.user, leaf.write)
            continue
        if last is not None:
            yield last
        last = MemLine(start, start + leaf.size, leaf.user, leaf.write)
    if last is not None:
        yield last


def compare_info_tlb(
    leaves: Iterable[Leaf], problems: Iterable[Problem], lines: Iterable[TlbLine]
) -> list[Mismatch]:
    """Compare every leaf of the walk with every line of `info tlb`."""
    unknown = sorted((each.vaddr, each.vaddr + each.length) for each in problems)
    reach = list(accumulate((end for _, end in unknown), max))
    starts = [start for start, _ in unknown]
    ours = {leaf.vaddr: tlb_line(leaf) for leaf in leaves}
    theirs = {line.vaddr: line for line in lines}
    mismatches = []
    for vaddr in sorted(ours.keys() | theirs.keys()):
        mine, seen = ours.get(vaddr), theirs.get(vaddr)
        if mine == seen or (mine is None and _inside(vaddr, starts, reach)):
            continue
        mismatches.append(
            Mismatch(
                layer=LAYER,
                what="leaf entry, the bench's walk against QEMU's `info tlb`",
                expected=_tlb_text(mine),
                seen=_tlb_text(seen),
                where=f"virtual {vaddr:#x}",
            )
        )
    return mismatches


def compare_info_mem(leaves: Iterable[Leaf], lines: Iterable[MemLine]) -> list[Mismatch]:
    """Compare the effective rights of the walk with `info mem`, where the walk had no problems."""
    ours = {line.start: line for line in mem_lines(leaves)}
    theirs = {line.start: line for line in lines}
    return [
        Mismatch(
            layer=LAYER,
            what="effective rights, the bench's walk against QEMU's `info mem`",
            expected=str(ours.get(start, "nothing mapped")),
            seen=str(theirs.get(start, "nothing mapped")),
            where=f"virtual {sign_extend(start):#x}",
        )
        for start in sorted(ours.keys() | theirs.keys())
        if ours.get(start) != theirs.get(start)
    ]


def compare_gva2gpa(walk: Translation, answer: int | None) -> list[Mismatch]:
    """Compare one translation with QEMU's, which knows only the root that is in CR3."""
    if walk.paddr == answer:
        return []
    return [
        Mismatch(
            layer=LAYER,
            what="translation, the bench's walk against QEMU's `gva2gpa`",
            expected="unmapped" if walk.paddr is None else f"{walk.paddr:#x}",
            seen="unmapped" if answer is None else f"{answer:#x}",
            where=f"virtual {walk.vaddr:#x} under root {walk.root:#x}",
        )
    ]


def _tlb_text(line: TlbLine | None) -> str:
    return f"physical {line.paddr:#x} {line.flags}" if line else "no leaf"


def _inside(vaddr: int, starts: list[int], reach: list[int]) -> bool:
    """Tell whether a range holds an address: where each starts, and how far all up to it reach."""
    place = bisect_right(starts, vaddr)
    return place > 0 and vaddr < reach[place - 1]
