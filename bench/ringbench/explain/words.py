"""Exceptions in the words of the manual (Intel SDM 3A 6.13, 6.15, 4.7)."""

from __future__ import annotations

from ringbench.arch.x86_64.address import PAGE_SIZE, is_canonical
from ringbench.arch.x86_64.vectors import (
    PUSHES_ERROR_CODE,
    Vector,
    describe_page_fault,
    vector_name,
)
from ringbench.explain.log import Logged
from ringbench.explain.names import Names
from ringbench.explain.space import Space
from ringbench.explanation import Fault

BY_INSTRUCTION = frozenset({Vector.BP, Vector.OF})
"""Exceptions that have instructions of their own: INT3 and INTO."""

EXTERNAL, FROM_IDT, FROM_LDT = 1, 2, 4
"""Bits of an error code that names a selector (3A 6.13)."""


def name_of(event: Logged) -> str:
    """Return what an exception or interrupt is called."""
    if event.is_exception or (event.software and event.vector in BY_INSTRUCTION):
        return vector_name(event.vector)
    if event.software:
        return f"INT {event.vector:#x}"
    return f"hardware interrupt {event.vector:#x}"


def fault_of(event: Logged, space: Space, names: Names) -> Fault:
    """Return an exception with all that it says."""
    address = event.cr2 if event.is_exception and event.vector == Vector.PF else None
    has_code = event.is_exception and event.vector in PUSHES_ERROR_CODE
    return Fault(
        vector=event.vector,
        name=name_of(event),
        code=event.code if has_code else None,
        meaning=_meaning(event),
        place=names.place(event.cpu.pc),
        address=address,
        walk="" if address is None else _wanted(address, space, names),
    )


def _meaning(event: Logged) -> str:
    if not event.is_exception:
        return ""
    if event.vector == Vector.PF:
        fetch = event.cr2 == event.ip and not event.code & 2
        described = describe_page_fault(event.code)
        # Without NXE the processor does not tell a fetch from a read (3A 4.7).
        return described.replace("read", "execute", 1) if fetch else described
    if event.vector not in PUSHES_ERROR_CODE or event.vector == Vector.DF:
        return ""
    return _selector(event)


def _selector(event: Logged) -> str:
    """Return what an error code of the kind that names a selector says."""
    code = event.code
    if code & ~EXTERNAL == 0:
        general = {Vector.GP, Vector.SS}
        odd = [
            f"{name} {event.cpu[name]:#x}"
            for name in ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp")
            if event.vector in general and event.cpu.long_mode
            if not is_canonical(event.cpu[name], event.cpu.levels)
        ]
        return f"error code 0; not canonical: {', '.join(odd)}" if odd else f"error code {code}"
    if code & FROM_IDT:
        return f"error code {code:#x}, a gate of the IDT"
    table = "LDT" if code & FROM_LDT else "GDT"
    return f"error code {code:#x}, selector {code & ~7:#x} of the {table}"


def _wanted(address: int, space: Space, names: Names) -> str:
    if address < PAGE_SIZE:
        return f"{space.where(address)}; so low an address is a null pointer, most likely"
    named = names.symbol(address)
    return space.where(address) + (f"; it is in {named}" if named else "")
