"""Why an exception cannot be delivered, from the guest's own tables as they are.

The steps of Intel SDM 3A 6.12 and 6.14 in order: the gate, the code segment that it names, the
stack, room for the frame on it. The first that fails is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.address import is_canonical
from ringbench.arch.x86_64.vectors import PUSHES_ERROR_CODE
from ringbench.explain.log import Logged
from ringbench.explain.registers import Segment
from ringbench.explain.space import WORD, Space

GATE_TYPES: Final = {16: (0xE, 0xF), 8: (0x5, 0x6, 0x7, 0xE, 0xF)}
"""Types of gate that an IDT may have, by the size of a gate in bytes (3A 6.11, 6.14.1)."""

IDT_AT_RESET: Final = ((0, 0xFFFF), (0, 0x3FF))
"""Base and limit that mean that nobody loaded one: after reset, and what SeaBIOS leaves."""

TSS_RSP0: Final = 4
TSS_IST: Final = 36
"""Offsets in a 64-bit TSS (3A 7.7)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """An entry of the IDT."""

    target: int
    selector: int
    ist: int
    type: int
    dpl: int
    present: bool

    @classmethod
    def of(cls, raw: bytes) -> Gate:
        """Read a gate of 8 or of 16 bytes (3A figures 6-2 and 6-8)."""
        low = int.from_bytes(raw[:8], "little")
        high = int.from_bytes(raw[8:12], "little")
        flags = low >> 40 & 0xFF
        return cls(
            target=low & 0xFFFF | low >> 48 << 16 | high << 32,
            selector=low >> 16 & 0xFFFF,
            ist=low >> 32 & 7 if len(raw) == 16 else 0,
            type=flags & 0xF,
            dpl=flags >> 5 & 3,
            present=bool(flags & 0x80),
        )


def read_gate(space: Space, vector: int) -> Gate | str:
    """Return the gate of a vector, or why there is none to be had."""
    idt, size = space.cpu.segment("IDT"), 16 if space.cpu.long_mode else 8
    if idt.limit == 0:
        return f"no IDT is loaded: its limit is 0 (base {idt.base:#x})"
    if space.cpu.is_protected and (idt.base, idt.limit) in IDT_AT_RESET:
        return f"no IDT is loaded: IDTR still has base 0 and limit {idt.limit:#x}"
    if idt.limit < size * vector + size - 1:
        return (
            f"the IDT ends before gate {vector}: its limit is {idt.limit:#x}, which has room for "
            f"{(idt.limit + 1) // size} gates"
        )
    address = idt.base + size * vector
    raw = space.read(address, size)
    if raw is None:
        return f"gate {vector} of the IDT cannot be read: {space.where(address)}"
    return Gate.of(raw)


def why_undelivered(space: Space, event: Logged) -> str:
    """Return what keeps the processor from delivering `event`; empty if nothing is found."""
    if not space.cpu.is_protected:
        return ""
    gate = read_gate(space, event.vector)
    if isinstance(gate, str):
        return gate
    size = 16 if space.cpu.long_mode else 8
    name = f"gate {event.vector} of the IDT at {space.cpu.segment('IDT').base:#x}"
    if gate.type not in GATE_TYPES[size]:
        what = "is empty" if gate == Gate.of(bytes(size)) else f"has type {gate.type:#x}"
        return f"{name} {what}: no interrupt or trap gate"
    if event.software and gate.dpl < event.cpl:
        return f"{name} has DPL {gate.dpl}: INT {event.vector} is not allowed at CPL {event.cpl}"
    if not gate.present:
        return f"{name} is not present"
    return _segment(space, gate, name) or _stack(space, gate, event)


def _segment(space: Space, gate: Gate, name: str) -> str:
    """Judge the code segment that a gate names (3A 6.12, 5.8.3.1)."""
    gdt, offset = space.cpu.segment("GDT"), gate.selector & ~7
    if offset == 0:
        return f"{name} has the null selector"
    if gate.selector & 4:
        return ""  # in the LDT, which nobody uses here
    if offset + 7 > gdt.limit:
        return f"{name} names segment {gate.selector:#x}, past the GDT's limit of {gdt.limit:#x}"
    stored = _quadword(space, gdt.base + offset)
    if stored is None:
        return f"the GDT cannot be read: {space.where(gdt.base + offset)}"
    segment = f"{name} names segment {gate.selector:#x}, which is"
    if stored >> 43 & 3 != 3:
        return f"{segment} no code segment ({stored:#x})"
    if not stored >> 47 & 1:
        return f"{segment} not present ({stored:#x})"
    if space.cpu.long_mode and not stored >> 53 & 1:
        return f"{segment} not of 64 bits ({stored:#x})"
    return ""


def _stack(space: Space, gate: Gate, event: Logged) -> str:
    """Judge the stack that the frame goes to (3A 6.14.2 to 6.14.5)."""
    task = space.cpu.segment("TR")
    if not space.cpu.long_mode:
        return _room(space, event.sp, event, "the stack") if event.cpl == 0 else ""
    if gate.ist:
        return _from_task(space, task, TSS_IST + WORD * (gate.ist - 1), f"IST{gate.ist}", event)
    if event.cpl > 0:
        return _from_task(space, task, TSS_RSP0, "RSP0", event)
    return _room(space, event.sp, event, "the stack")


def _from_task(space: Space, task: Segment, offset: int, name: str, event: Logged) -> str:
    if task.selector == 0:
        return f"its stack is {name} of the TSS, and no TSS is loaded: TR is 0"
    if offset + WORD - 1 > task.limit:
        return f"its stack is {name} of the TSS, past the TSS's limit of {task.limit:#x}"
    pointer = _quadword(space, task.base + offset)
    if pointer is None:
        return f"its stack is {name} of the TSS, which {space.where(task.base + offset)}"
    if pointer == 0:
        return f"its stack is {name} of the TSS at {task.base:#x}, which is 0"
    return _room(space, pointer, event, f"{name} of the TSS")


def _room(space: Space, pointer: int, event: Logged, name: str) -> str:
    """Look whether the frame can be written below a stack pointer."""
    long_mode = space.cpu.long_mode
    word = WORD if long_mode else 4
    words = (5 if long_mode else 3) + (event.is_exception and event.vector in PUSHES_ERROR_CODE)
    top = pointer & ~0xF if long_mode else pointer
    if long_mode and not is_canonical(pointer):
        return f"{name} is at {pointer:#x}, which is not a canonical address"
    for address in range(top - word, top - word * words - 1, -word):
        if refusal := space.refusal(address % (1 << 64), write=True):
            return f"there is no room for its frame on {name} at {pointer:#x}: {refusal}"
    return ""


def _quadword(space: Space, address: int) -> int | None:
    stored = space.read(address, WORD)
    return None if stored is None else int.from_bytes(stored, "little")
