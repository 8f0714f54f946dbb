"""A kernel that stands still and is sound, as those see it who look for bits to flip.

What there is comes from the model, where it is from the kernel's types: the check, which is what is
being tested, has no part in choosing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ringbench.arch.x86_64.address import PAGE_SHIFT, PAGE_SIZE
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import translate
from ringbench.debuginfo.dwarf import Types
from ringbench.errors import RingbenchError
from ringbench.subjects.reference.flips.structure import Part, Spot, parts_of
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.boot import SeenBoot
from ringbench.subjects.reference.observe.names import Layout


@dataclass(slots=True)
class Site:
    """A guest's memory, the model's state, and the names of its structures.

    `boot` is what the kernel kept of its loader's information.
    """

    memory: PhysicalMemory
    state: KernelState
    types: Types
    layout: Layout
    boot: SeenBoot
    _pages: dict[int, int] = field(default_factory=dict)

    def paddr_of(self, vaddr: int) -> int:
        """Return the physical address of one of the kernel's virtual addresses.

        Raises:
            RingbenchError: it is not mapped.
        """
        page = vaddr >> PAGE_SHIFT
        if page not in self._pages:
            root, features = self.state.kernel_root, self.state.features
            walk = translate(self.memory, root, page << PAGE_SHIFT, features)
            if walk.paddr is None:
                raise RingbenchError(f"the kernel does not map {vaddr:#x}: {walk.reason}")
            self._pages[page] = walk.paddr
        return self._pages[page] + vaddr % PAGE_SIZE

    def address(self, name: str) -> int:
        """Return the virtual address of a global variable, or of a part of one."""
        return self.types.locate(name).address

    def variable(self, name: str) -> Iterator[tuple[Part, int]]:
        """Yield the parts of a global variable, each with its physical address."""
        variable = self.types.locate(name)
        for part in parts_of(variable.type, self.layout.padding):
            yield part, self.paddr_of(variable.address + part.offset)

    def spots(self, parts: Iterable[Part], address: int, place: str) -> Iterator[Spot]:
        """Yield parts of a struct that is at a virtual address, all of one place.

        The struct may lie across two pages, a part never does: the kernel aligns them all.
        """
        for part in parts:
            yield part.spot(self.paddr_of(address + part.offset), place, place)

    def members(self, type_name: str) -> list[Part]:
        """Return the parts of a struct."""
        return list(parts_of(self.types.struct(type_name), self.layout.padding))
