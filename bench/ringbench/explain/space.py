"""A processor's view of memory: its addresses to bytes, and in words where a translation ended.

With paging off, an address is a physical one.
"""

from __future__ import annotations

from typing import Final

from ringbench.arch.x86_64.address import (
    LEVEL_NAMES,
    PAGE_SIZE,
    SIZE_NAMES,
)
from ringbench.arch.x86_64.control import Cr0
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.records import Leaf, Stop, Translation
from ringbench.arch.x86_64.walk import translate
from ringbench.errors import MemoryUnreadable
from ringbench.explain.paging32 import translate_32
from ringbench.explain.registers import Cpu

WORD: Final = 8
"""Bytes of an address."""


class Space:
    """Memory as a processor with the registers `cpu` sees it."""

    def __init__(self, memory: PhysicalMemory, cpu: Cpu) -> None:
        self._memory = memory
        self.cpu = cpu
        self._pages: dict[int, int | None] = {}

    @property
    def word_size(self) -> int:
        """Bytes of what CALL pushes."""
        return WORD if self.cpu.runs_64_bit else 4

    def walk(self, address: int) -> Translation | None:
        """Return the walk of an address; None without the page tables of long mode."""
        if not (self.cpu.paging and self.cpu.long_mode):
            return None
        features = Features(levels=self.cpu.levels)
        return translate(self._memory, self.cpu["cr3"], address, features)

    def physical(self, address: int) -> int | None:
        """Return the physical address, or None if there is none."""
        if not self.cpu.paging:
            return address
        page = address & -PAGE_SIZE
        if page not in self._pages:
            walk = self.walk(page)
            if walk is not None:
                self._pages[page] = walk.paddr
            else:
                found = translate_32(self._memory, self.cpu, page)
                self._pages[page] = found if isinstance(found, int) else None
        base = self._pages[page]
        return None if base is None else base + address - page

    def read(self, address: int, length: int) -> bytes | None:
        """Return memory; None if some of it is not there."""
        parts = []
        while length > 0:
            part = min(length, PAGE_SIZE - address % PAGE_SIZE)
            physical = self.physical(address)
            if physical is None:
                return None
            try:
                parts.append(self._memory.read(physical, part))
            except MemoryUnreadable:
                return None
            address, length = address + part, length - part
        return b"".join(parts)

    def word(self, address: int) -> int | None:
        """Return what CALL or PUSH left in memory, or None if it is not there."""
        stored = self.read(address, self.word_size)
        return None if stored is None else int.from_bytes(stored, "little")

    def has_ram(self, address: int) -> bool:
        """Whether an address that is mapped leads to RAM; True as well if it is not mapped."""
        physical = self.physical(address)
        if physical is None:
            return True
        try:
            self._memory.read(physical, 1)
        except MemoryUnreadable:
            return False
        return True

    def refusal(self, address: int, *, write: bool = False, execute: bool = False) -> str:
        """Say why the kernel cannot access an address; empty if it can."""
        walk = self.walk(address)
        if walk is None:
            return "" if self.read(address, 1) is not None else self.where(address)
        leaf = walk.leaf
        if leaf is None:
            return self.where(address)
        if write and not leaf.write and self.cpu["cr0"] & Cr0.WP:
            return f"{address:#x} is mapped read-only ({_leaf(leaf)})"
        if execute and not leaf.execute:
            return f"{address:#x} is mapped no-execute ({_leaf(leaf)})"
        return ""

    def where(self, address: int) -> str:
        """Say how an address is translated: the page, or the entry where the walk ended."""
        if not self.cpu.paging:
            ram = "" if self.has_ram(address) else ", where there is no RAM"
            return f"{address:#x} is a physical address{ram}: paging is off"
        walk = self.walk(address)
        if walk is None:
            found = translate_32(self._memory, self.cpu, address)
            return found if isinstance(found, str) else f"{address:#x} is mapped to {found:#x}"
        return describe_walk(walk)


def describe_walk(walk: Translation) -> str:
    """Say in one line where a walk led, or the entry where it ended."""
    if walk.leaf is not None:
        return f"{walk.vaddr:#x} is mapped to {walk.paddr:#x} ({_leaf(walk.leaf)})"
    if walk.stop is Stop.NON_CANONICAL:
        return f"{walk.vaddr:#x} is not a canonical address"
    if not walk.steps or walk.stop is Stop.UNREADABLE:
        table, by = walk.root, ""
        if walk.steps:
            last = walk.steps[-1]
            table = last.entry.address
            by = f", by {LEVEL_NAMES[last.level]} {last.table:#x} entry {last.index}, which is "
            by += f"{last.entry.raw:#x}"
        return (
            f"{walk.vaddr:#x} is not mapped: the {LEVEL_NAMES[walk.level]} at {table:#x} is not "
            f"in RAM{by}"
        )
    step = walk.steps[-1]
    return (
        f"{walk.vaddr:#x} is not mapped: {LEVEL_NAMES[step.level]} {step.table:#x} entry "
        f"{step.index} is {step.entry.raw:#x}, {walk.stop}"
    )


def _leaf(leaf: Leaf) -> str:
    return f"{SIZE_NAMES[leaf.size]} page, {leaf.permissions}"
