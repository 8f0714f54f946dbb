"""Where QEMU's software emulation departs from the manual in what an access leaves behind.

`outcome` answers with the manual, always. Who compares it with QEMU comes here with what did not
agree: a departure says exactly what QEMU does instead, so that nothing else passes for QEMU's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from ringbench.arch.x86_64.address import LEVELS
from ringbench.arch.x86_64.entry import PS, A, bits
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.outcome_bulk import NO_FAULT, Accesses, Outcomes, outcomes
from ringbench.arch.x86_64.vectors import PageFaultCode

_GIB_LEAF: Final = 3
_GIB_COLUMN: Final = LEVELS - _GIB_LEAF
_ZERO: Final = np.uint64(0)


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which QEMU is not the processor of the manual.

    Attributes:
        name: short, for counts.
        section: of the Intel SDM 3A.
        manual: what it says.
        qemu: what QEMU does.
        versions: of QEMU in which it was seen, ``major.minor``.
        gib_pages: whether it shows on processors with 1 GiB pages, without, or (None) on both.
        instead: from accesses and what must become of them to what QEMU makes of them; the same
            where it does not depart.
    """

    name: str
    section: str
    manual: str
    qemu: str
    versions: tuple[str, ...]
    gib_pages: bool | None
    instead: Callable[[Accesses, Outcomes], Outcomes]


def _without_present(accesses: Accesses, expected: Outcomes) -> Outcomes:
    fault = (expected.code != NO_FAULT) & (expected.code & PageFaultCode.RSVD != 0)
    return replace(expected, code=np.where(fault, expected.code & ~PageFaultCode.P, expected.code))


def _accessed_in_gib_leaf(accesses: Accesses, expected: Outcomes) -> Outcomes:
    low = np.uint64(bits(13, 29))
    raw = accesses.entries[:, _GIB_COLUMN]
    marked = (expected.level == _GIB_LEAF) & (raw & np.uint64(PS) != _ZERO)
    marked &= (expected.reserved != _ZERO) & (expected.reserved & ~low == _ZERO)
    certain = expected.certain.copy()
    certain[:, _GIB_COLUMN] |= np.where(marked, np.uint64(A), _ZERO)
    return replace(expected, certain=certain)


def _gib_pages_always(accesses: Accesses, expected: Outcomes) -> Outcomes:
    if accesses.features.gib_pages:
        return expected
    return outcomes(replace(accesses, features=replace(accesses.features, gib_pages=True)))


DEPARTURES: Final = (
    Departure(
        "1 GiB pages on a CPU without them",
        "4.5.4, table 4-16; 4.1.4",
        "Without CPUID.80000001H:EDX.Page1GB, bit 7 of a PDPT entry is reserved.",
        "The bit makes the entry map a 1 GiB page, whatever CPUID says.",
        ("7.2",),
        False,
        _gib_pages_always,
    ),
    Departure(
        "A set in a 1 GiB leaf with a reserved bit",
        "4.7, 4.8",
        "A reserved bit means that there is no translation: the entry is not used, and keeps A.",
        "A is set in a PDPT entry with PS before bits 29:13 are looked at.",
        ("7.2",),
        True,
        _accessed_in_gib_leaf,
    ),
    Departure(
        "P clear in a reserved bit's error code",
        "4.7",
        "Reserved bits are looked at in present entries only: the error code has P wherever it "
        "has RSVD (9, b, d, f, 19, 1d).",
        "The error code has RSVD without P (8, a, c, e, 18, 1c).",
        ("7.2",),
        None,
        _without_present,
    ),
)
"""All that are known, in the order in which they apply if several do; the commonest is last."""


def known(version: str, features: Features) -> set[str] | None:
    """Return the names of the departures that a version of QEMU shows on a processor.

    None: nobody has looked at that version, ``major.minor``.
    """
    if not any(version in departure.versions for departure in DEPARTURES):
        return None
    return {
        departure.name
        for departure in DEPARTURES
        if version in departure.versions and departure.gib_pages in (None, features.gib_pages)
    }


def chains(departures: Sequence[Departure] = DEPARTURES) -> Iterator[tuple[Departure, ...]]:
    """Yield every way in which departures can come together, the shorter and commoner first."""
    for length in range(1, len(departures) + 1):
        yield from reversed(list(combinations(departures, length)))


def follow(chain: Sequence[Departure], accesses: Accesses, expected: Outcomes) -> Outcomes:
    """Return what becomes of accesses where all departures of a chain apply."""
    for departure in chain:
        expected = departure.instead(accesses, expected)
    return expected
