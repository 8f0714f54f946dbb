"""What the kernel itself says of an address, by `page query`, against the bench's walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.records import Leaf, Translation, permissions
from ringbench.check.mismatch import Mismatch
from ringbench.subjects.reference.vocabulary.flags import EXEC, GLOBAL, USER, WRITE, parse_flags

LAYER: Final = "paging"


@dataclass(frozen=True, slots=True)
class KernelMapping:
    """What the kernel says of one address: the page that maps it, and its effective rights.

    `cache` is the memory type as the console writes it: wb, wt, uc-, uc, wc.
    """

    vaddr: int
    paddr: int
    size: int
    write: bool
    user: bool
    execute: bool
    global_: bool
    cache: str

    @classmethod
    def of_leaf(cls, leaf: Leaf) -> KernelMapping:
        """Return what the kernel must say of an address in this leaf."""
        return cls(
            leaf.vaddr,
            leaf.paddr,
            leaf.size,
            leaf.write,
            leaf.user,
            leaf.execute,
            leaf.global_,
            leaf.cache.value.lower(),
        )

    @classmethod
    def of_reply(cls, values: tuple[int | str, ...]) -> KernelMapping:
        """Return what the kernel did say, from the values of a reply to `page query`."""
        vaddr, paddr, size, words = values
        assert isinstance(vaddr, int)
        assert isinstance(paddr, int)
        assert isinstance(size, int)
        flags = parse_flags(str(words))
        return cls(
            vaddr,
            paddr,
            size,
            bool(flags & WRITE),
            bool(flags & USER),
            bool(flags & EXEC),
            bool(flags & GLOBAL),
            str(words).partition(":")[2] or "wb",
        )

    def __str__(self) -> str:
        rights = permissions(self.write, self.user, self.execute)
        return (
            f"{self.vaddr:#x} -> {self.paddr:#x}, {self.size:#x} bytes, {rights}"
            f"{'g' if self.global_ else ''} {self.cache}"
        )


def compare_query(walk: Translation, answer: KernelMapping | None) -> list[Mismatch]:
    """Compare one translation with the kernel's own query; None: it says nothing is mapped."""
    mine = KernelMapping.of_leaf(walk.leaf) if walk.leaf else None
    if mine == answer:
        return []
    return [
        Mismatch(
            layer=LAYER,
            what="mapping, the bench's walk against the kernel's query",
            expected=str(mine) if mine else walk.reason,
            seen=str(answer) if answer else "not mapped",
            where=f"virtual {walk.vaddr:#x} under root {walk.root:#x}",
        )
    ]
