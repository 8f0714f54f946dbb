"""Exceptions that belong together: one that was raised, and those that its delivery caused.

An exception whose delivery fails changes nothing that the program can see, so what comes of it is
logged at the same instruction with the same stack. The processor makes a double fault of some
pairs and takes the others one after the other (Intel SDM 3A 6.15, table 6-5); QEMU says of the
former which exception it was that it had begun (`Logged.old`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.vectors import Vector
from ringbench.explain.log import Logged

RAISED_BY_DELIVERY: Final = frozenset({Vector.TS, Vector.NP, Vector.SS, Vector.GP, Vector.PF})
"""What a failing delivery raises (Intel SDM 3A 6.15 and the pseudocode of INT n)."""

FRAME_ROOM: Final = 64
"""Bytes below the stack pointer in which a frame of an exception lies, its alignment included."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Exceptions in order, each but the last not delivered; the last neither if `triple`."""

    events: tuple[Logged, ...]

    @property
    def first(self) -> Logged:
        """What began it."""
        return self.events[0]

    @property
    def triple(self) -> bool:
        """Whether it ended in a triple fault."""
        return self.events[-1].triple

    @property
    def undelivered(self) -> tuple[Logged, ...]:
        """Those that could not be delivered."""
        return self.events if self.triple else self.events[:-1]


def chains(logged: Sequence[Logged]) -> tuple[Chain, ...]:
    """Group what was logged, in order."""
    groups: list[list[Logged]] = []
    for event in logged:
        if groups and _follows(event, groups[-1][-1]):
            groups[-1].append(event)
        else:
            groups.append([event])
    return tuple(Chain(tuple(group)) for group in groups)


def _follows(event: Logged, before: Logged) -> bool:
    """Tell whether delivering `before` is what raised `event`."""
    if before.triple or (event.ip, event.sp) != (before.ip, before.sp):
        return False
    if event.old is not None:
        return True
    # Of these the processor makes a double fault, which says what was before.
    counts = before.is_exception and before.vector in (*RAISED_BY_DELIVERY, Vector.DE, Vector.DF)
    return not counts and event.is_exception and _is_of_delivery(event)


def _is_of_delivery(event: Logged) -> bool:
    """Tell an exception of a failing delivery from one of the instruction, as far as it shows.

    After an interrupt that was delivered the same instruction can raise one of its own.
    """
    if event.vector == Vector.GP:
        return event.code != 0  # a selector, or a gate of the IDT
    if event.vector == Vector.PF:
        # TR is 0 where no TSS is loaded, and its limit is not.
        names = ("IDT", "GDT", *(("TR",) if event.cpu.segment("TR").selector else ()))
        tables = (event.cpu.segment(name) for name in names)
        wanted = event.cr2 or 0
        of_tables = any(each.base <= wanted <= each.base + each.limit for each in tables)
        return of_tables or event.cpl > 0 or event.sp - FRAME_ROOM <= wanted < event.sp
    return event.vector in RAISED_BY_DELIVERY
