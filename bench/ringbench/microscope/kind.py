"""What a kind of finding is: a name, and a sentence that is made of an access and details."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ringbench.microscope.layout import Access

Details = tuple[int, ...]
Words = Callable[[Access, Details], str]

ALLOCATED: Final = ("allocated at", "given back at")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding.

    Attributes:
        name: a few words that stand for it.
        should: what would have been right.
        words: makes a sentence of an access and details.
        before: what the related events were.
    """

    name: str
    should: str
    words: Words
    before: tuple[str, ...] = ALLOCATED


def bytes_of(count: int) -> str:
    """Return a number of bytes in words."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def access_of(access: Access) -> str:
    """Return what an access did, in words; of size 0, code was fetched."""
    if access.size == 0:
        return f"executes code at {access.address:#x}"
    verb = "writes" if access.is_store else "reads"
    return f"{verb} {bytes_of(access.size)} at {access.address:#x}"
