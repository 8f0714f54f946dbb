"""What an access leaves behind: its fault or the byte that it reached, and the entries afterwards.

The fault is `access`'s. Of accessed and dirty flags the manual guarantees a part and leaves a part
to the processor (Intel SDM 3A 4.8, 4.10.2.3, 4.10.3.1), so an entry afterwards is what must be in
it and a mask of bits that may or may not be set as well:

- An access that goes through sets A in every entry of its walk, and D in the leaf if it writes.
- A walk that ends in a fault may set A in the entries that it used on its way, the leaf that
  refused the access included: the processor may cache them, and sets A in what it caches.
- An entry that is not present or has a reserved bit set is used for nothing, and stays as it is.
- D is set by a write that happens, never by one that faults; in what is no leaf it is ignored.
- Nothing else is ever changed, and neither flag is ever cleared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ringbench.arch.x86_64.access import AccessKind, NonCanonicalFault, PageFault, access
from ringbench.arch.x86_64.entry import A, D
from ringbench.arch.x86_64.records import Translation


class Controls(NamedTuple):
    """The control bits that take part in the decision: CR0.WP, EFER.NXE, CR4.SMEP and so on.

    The features of the walk have the same `nx`.
    """

    wp: bool = True
    nxe: bool = True
    smep: bool = False
    smap: bool = False
    ac: bool = False

    def __str__(self) -> str:
        """Return the bits that are set by name: ``WP NXE``."""
        names = ("CR0.WP", "EFER.NXE", "CR4.SMEP", "CR4.SMAP", "RFLAGS.AC")
        return " ".join(name for name, on in zip(names, self, strict=True) if on) or "none"


class EntryAfter(NamedTuple):
    """One entry after an access: `certain`, but for bits of `open` that may be set as well."""

    certain: int
    open: int = 0

    def allows(self, raw: int) -> bool:
        """Tell whether an entry may have this value."""
        return not (raw ^ self.certain) & ~self.open


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one access leaves behind: a fault or the byte reached, and the entries of its walk.

    Attributes:
        fault: the exception; None if the access goes through.
        paddr: the byte that is read, written or executed; None if there was a fault.
        entries: those of the walk's steps, afterwards.
    """

    fault: PageFault | NonCanonicalFault | None
    paddr: int | None
    entries: tuple[EntryAfter, ...]


def outcome(
    translation: Translation, kind: AccessKind, *, user: bool, controls: Controls
) -> Outcome:
    """Return what becomes of an access whose entries the processor has not cached.

    Raises:
        ValueError: the walk met a table outside memory; no manual says what is read there.
    """
    fault = access(translation, kind, user=user, **controls._asdict())
    entries = []
    for step in translation.steps:
        raw = step.entry.raw
        if fault is None:
            write = kind is AccessKind.WRITE and step.entry.leaf
            entries.append(EntryAfter(raw | A | (D if write else 0)))
        elif step.entry.present and not step.entry.reserved:
            entries.append(EntryAfter(raw, open=A & ~raw))
        else:
            entries.append(EntryAfter(raw))
    paddr = translation.paddr if fault is None else None
    return Outcome(fault, paddr, tuple(entries))
