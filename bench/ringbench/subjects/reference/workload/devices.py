"""Physical memory that is no ordinary RAM, mapped: device registers, modules, ROM, the edges."""

from __future__ import annotations

from random import Random
from typing import Final

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.paging import PageMap
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAlloc
from ringbench.subjects.reference.workload.draws import draw_flags, pick
from ringbench.subjects.reference.workload.pages import bare_roots, near
from ringbench.subjects.reference.workload.spaces import window_spaces

REGISTERS: Final = (0xFEC0_0000, 0xFEE0_0000, 0xFED0_0000, 0xB8000, 0xFFFF_F000)
"""IO-APIC, local APIC, HPET, VGA text, the last page of the firmware's ROM."""


def _some_place(random: Random, state: KernelState) -> int:
    """Registers; or a range of the memory map that nobody is given, at either end of it."""
    shape = random.random()
    if shape < 0.5:
        return pick(random, REGISTERS)
    if shape < 0.6:
        return (1 << state.features.physical_bits) - pick(random, (1, 2, 512)) * FRAME_SIZE
    held = [each for each in state.memory_map if each.kind]
    at = pick(random, held)
    return pick(random, (at.base, at.base + at.length - FRAME_SIZE))


def map_device(random: Random, state: KernelState) -> Operation:
    """Make a region of such a place, or map it in a bare root."""
    paddr, flags = _some_place(random, state), draw_flags(random, user=True, cached=False)
    length = FRAME_SIZE * pick(random, (1, 1, 2, 3))
    roots = bare_roots(state)
    if roots and random.random() < 0.4:
        vaddr = near(random, FRAME_SIZE)
        return PageMap(pick(random, roots), vaddr, paddr, length, FRAME_SIZE, flags)
    space = pick(random, window_spaces(state))
    return VmAlloc(space, length, "physical", flags, paddr)
