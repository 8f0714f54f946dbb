"""What the rules have to know of a guest, and how its functions are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from ringbench.arch.x86_64.records import Leaf
from ringbench.drive.guest_calls import Probe, Step
from ringbench.machine.ram import RamMap


class Pages(Protocol):
    """Page tables as they were at some time."""

    @property
    def tables(self) -> Set[int]:
        """The numbers of the frames that they are in."""
        ...

    def within(self, start: int, end: int) -> Mapping[int, int]:
        """Return the pages of a range: virtual address -> physical address."""
        ...

    def translate(self, vaddr: int) -> int | None:
        """Return the physical address that a virtual one is mapped to; None if it is not mapped."""
        ...


class Guest(Protocol):
    """A guest that stands still but for the calls that it is asked for.

    Attributes:
        addresses: name -> address, of the functions and variables that the configuration names.
        sizes: name -> bytes of these variables.
        silent: those of the functions that return nothing.
        ram: where there is RAM, by QEMU's own account.
        image: number of a frame -> what is in it that came with the kernel, and is in use: its
            image, and modules that it keeps.
        root: physical address of the root of its page tables.
        own: virtual addresses at which the bench has its own memory while it makes calls.
        reaches_user: whether the kernel itself can use pages of programs (no SMAP).
        probes: whose accesses can be probed: False for the kernel's, True for those of programs.
    """

    addresses: Mapping[str, int]
    sizes: Mapping[str, int]
    silent: Set[str]
    ram: RamMap
    image: Mapping[int, str]
    root: int
    own: range
    reaches_user: bool
    probes: tuple[bool, ...]

    def perform(self, steps: Sequence[Step]) -> Sequence[int]:
        """Perform steps in order, and return the result of each.

        Raises:
            CallError: one of them ended the guest, or did not end.
            RingbenchError: it cannot be done.
        """
        ...

    def pages(self) -> Pages:
        """Return the page tables as they are now."""
        ...

    def walk(self, vaddr: int) -> Leaf | None:
        """Return what the tables, as they are now, have at an address; None if nothing."""
        ...

    def why_unmapped(self, vaddr: int) -> str:
        """Say why the tables lead nowhere: `not present at level 1 (PT)`; empty if they do."""
        ...

    def allows(self, probe: Probe) -> bool:
        """Whether the tables, as they are now, let an access through."""
        ...

    def read(self, paddr: int, length: int) -> bytes:
        """Return physical memory.

        Raises:
            MemoryUnreadable: it is not all RAM.
        """
        ...

    def write(self, paddr: int, data: bytes) -> None:
        """Change physical memory.

        Raises:
            MemoryUnreadable: it is not all RAM.
        """
        ...
