"""QEMU's dump of a processor's registers, which its log and `info registers` have in common.

Reference: QEMU 7.2 and 10.0, target/i386/cpu-dump.c. Outside long mode the names are EAX, EIP, EFL
and the numbers have eight digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.address import LEVELS, MAX_LEVELS
from ringbench.arch.x86_64.control import Cr0, Cr4, Efer, Rflags

_FIELD: Final = re.compile(r"\b([A-Z][A-Z0-9]{1,3}) ?= ?([0-9a-f]+)\b")
_SEGMENT: Final = re.compile(
    r"^([CDEFGS]S|TR|GDT|IDT) ?= *(?:([0-9a-f]{4}) )?([0-9a-f]{8,16}) "
    r"([0-9a-f]{8})(?: ([0-9a-f]{8}))?",
    re.MULTILINE,
)
_CPU: Final = re.compile(r"^CPU#(\d+)$", re.MULTILINE)
CODE_LONG: Final = 1 << 21
"""The L bit in a code segment's attributes, as QEMU shows them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment register or a table register: selector (0 of a table), base, limit, attributes."""

    selector: int = 0
    base: int = 0
    limit: int = 0
    attributes: int = 0


@dataclass(frozen=True, slots=True)
class Cpu:
    """One processor's registers, by their 64-bit names in small letters: ``rip``, ``cr3``."""

    values: Mapping[str, int]
    segments: Mapping[str, Segment]
    number: int = 0

    def __getitem__(self, name: str) -> int:
        return self.values.get(name, 0)

    def segment(self, name: str) -> Segment:
        """Return ``CS`` or another of the six, ``TR``, ``GDT`` or ``IDT``; what is unknown is 0."""
        return self.segments.get(name, Segment())

    @property
    def pc(self) -> int:
        """The linear address of the instruction: outside long mode CS has a base."""
        return self["rip"] if self.runs_64_bit else self.segment("CS").base + self["rip"]

    @property
    def paging(self) -> bool:
        """Whether addresses go through page tables."""
        return bool(self["cr0"] & Cr0.PG)

    @property
    def is_protected(self) -> bool:
        """Whether it is out of real mode."""
        return bool(self["cr0"] & Cr0.PE)

    @property
    def long_mode(self) -> bool:
        """Whether it is in long mode, be it in code of 32 bits."""
        return bool(self["efer"] & Efer.LMA)

    @property
    def runs_64_bit(self) -> bool:
        """Whether it is in long mode and runs code of 64 bits."""
        return self.long_mode and bool(self.segment("CS").attributes & CODE_LONG)

    @property
    def five_levels(self) -> bool:
        """Whether page tables have five levels."""
        return bool(self["cr4"] & Cr4.LA57)

    @property
    def levels(self) -> int:
        """How many levels page tables of long mode have."""
        return MAX_LEVELS if self.five_levels else LEVELS

    @property
    def halted(self) -> bool:
        """Whether it waits in HLT, or to be started."""
        return bool(self["hlt"])

    @property
    def interrupts(self) -> bool:
        """Whether it takes interrupts."""
        return bool(self["rflags"] & Rflags.IF)

    @property
    def asleep_for_good(self) -> bool:
        """Whether it is halted and no interrupt can wake it."""
        return self.halted and not self.interrupts


def parse_cpu(text: str, number: int = 0) -> Cpu:
    """Read one processor's dump; what it lacks is 0."""
    found: dict[str, int] = {}
    for name, digits in _FIELD.findall(text):
        found.setdefault(_long_name(name), int(digits, 16))
    segments = {
        name: Segment(*(int(part or "0", 16) for part in parts))
        for name, *parts in _SEGMENT.findall(text)
    }
    return Cpu(found, segments, number)


def parse_cpus(text: str) -> tuple[Cpu, ...]:
    """Read the text of `info registers -a`: every processor."""
    parts = _CPU.split(text)
    if len(parts) == 1:
        return (parse_cpu(text),) if "CR0=" in text else ()
    return tuple(
        parse_cpu(dump, int(number)) for number, dump in zip(parts[1::2], parts[2::2], strict=True)
    )


def _long_name(name: str) -> str:
    if name in ("EFL", "RFL"):
        return "rflags"
    if len(name) == 3 and name[0] == "E":
        return "r" + name[1:].lower()
    return name.lower()
