"""Whether interrupts are off where they must be: everywhere but where the kernel sleeps.

The kernel takes interrupts in one place, between `sti; hlt` and the `cli` behind it. With them left
on, whatever it does next can be interrupted, and the next time it looks before it sleeps, what it
looks for can come in between: a wake-up that is lost.
"""

from __future__ import annotations

from typing import Final

from ringbench.arch.x86_64.control import Rflags
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import translate
from ringbench.check.comparison import Comparison
from ringbench.check.mismatch import MACHINE, Finding
from ringbench.errors import MemoryUnreadable
from ringbench.observe.processor import Registers

HLT, CLI = 0xF4, 0xFA
ASLEEP: Final = frozenset((HLT, CLI))
"""The instructions that may be next while interrupts are on."""


def check_interrupts(memory: PhysicalMemory, registers: Registers) -> Finding:
    """Check the flags of a guest that stands still, by the instruction that it is at.

    Where that cannot be read, the page tables are wrong, and nothing is said of interrupts.
    """
    tally, where = Comparison(MACHINE), f"rip {registers.rip:#x}"
    asleep = next_byte(memory, registers) in (*ASLEEP, None)
    on = bool(registers.rflags & Rflags.IF)
    tally.equal("interrupts", "off", "on" if on and not asleep else "off", where)
    tally.equal("direction flag", 0, registers.rflags & Rflags.DF, where)
    return tally.done()


def next_byte(memory: PhysicalMemory, registers: Registers) -> int | None:
    """Return the first byte of the instruction that is next; None if it cannot be read."""
    try:
        paddr = translate(memory, registers.cr3, registers.rip).paddr
        return None if paddr is None else memory.read(paddr, 1)[0]
    except MemoryUnreadable:
        return None
