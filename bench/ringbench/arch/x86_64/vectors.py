"""Exception vectors and the page-fault error code (Intel SDM 3A 6.3.1, 6.13, 6.15, 4.7).

What the processor raises in the guest; what the bench raises is in `ringbench.errors`.
"""

from enum import IntEnum
from typing import Final

from ringbench.arch.x86_64.control import NamedFlag

EXCEPTIONS: Final = 32
"""Vectors 0..31 belong to the processor (Intel SDM 3A 6.2)."""


class Vector(IntEnum):
    """The exceptions by their mnemonic (Intel SDM 3A 6.3.1, table 6-1); others are reserved.

    AMD has three more (AMD64 APM volume 2, 8.2).
    """

    DE = 0
    DB = 1
    NMI = 2
    BP = 3
    OF = 4
    BR = 5
    UD = 6
    NM = 7
    DF = 8
    TS = 10
    NP = 11
    SS = 12
    GP = 13
    PF = 14
    MF = 16
    AC = 17
    MC = 18
    XM = 19
    VE = 20
    CP = 21
    HV = 28  # AMD
    VC = 29  # AMD
    SX = 30  # AMD


VECTOR_NAMES: Final = {
    Vector.DE: "divide error",
    Vector.DB: "debug",
    Vector.NMI: "non-maskable interrupt",
    Vector.BP: "breakpoint",
    Vector.OF: "overflow",
    Vector.BR: "bound range exceeded",
    Vector.UD: "invalid opcode",
    Vector.NM: "device not available",
    Vector.DF: "double fault",
    Vector.TS: "invalid TSS",
    Vector.NP: "segment not present",
    Vector.SS: "stack-segment fault",
    Vector.GP: "general protection",
    Vector.PF: "page fault",
    Vector.MF: "x87 floating-point error",
    Vector.AC: "alignment check",
    Vector.MC: "machine check",
    Vector.XM: "SIMD floating-point exception",
    Vector.VE: "virtualization exception",
    Vector.CP: "control protection",
    Vector.HV: "hypervisor injection",
    Vector.VC: "VMM communication",
    Vector.SX: "security exception",
}

PUSHES_ERROR_CODE: Final = frozenset(
    {
        Vector.DF,
        Vector.TS,
        Vector.NP,
        Vector.SS,
        Vector.GP,
        Vector.PF,
        Vector.AC,
        Vector.CP,
        Vector.VC,
        Vector.SX,
    }
)
"""Vectors whose frame carries an error code above the return address (Intel SDM 3A 6.13)."""


def vector_name(vector: int) -> str:
    """Return `#PF page fault` and the like; `#15 reserved` for a vector without a meaning.

    Raises:
        ValueError: not an exception vector (0..31).
    """
    if not 0 <= vector < EXCEPTIONS:
        raise ValueError(f"vector {vector} is not an exception (0..31)")
    if vector not in VECTOR_NAMES:
        return f"#{vector} reserved"
    known = Vector(vector)
    return f"#{known.name} {VECTOR_NAMES[known]}"


class PageFaultCode(NamedFlag):
    """The error code of a page fault (Intel SDM 3A 4.7, figure 4-12)."""

    P = 1 << 0  # the entry was present: a protection violation; clear: no translation
    W = 1 << 1  # the access was a write
    U = 1 << 2  # the access was made in user mode
    RSVD = 1 << 3  # a reserved bit was set in an entry
    I = 1 << 4  # noqa: E741 - instruction fetch, where SMEP or NXE is on
    PK = 1 << 5
    SS = 1 << 6
    HLAT = 1 << 7
    SGX = 1 << 15


def describe_page_fault(code: int) -> str:
    """Return an error code as a sentence: `write by supervisor, protection violation`."""
    flags = PageFaultCode(code)
    kind = "execute" if code & PageFaultCode.I else "write" if code & PageFaultCode.W else "read"
    who = "user" if code & PageFaultCode.U else "supervisor"
    if code & PageFaultCode.RSVD:
        why = "reserved bit set"
    elif code & PageFaultCode.P:
        why = "protection violation"
    else:
        why = "not present"
    modelled = PageFaultCode.P | PageFaultCode.W | PageFaultCode.U
    rest = flags & ~(modelled | PageFaultCode.RSVD | PageFaultCode.I)
    return f"{kind} by {who}, {why}" + (f" ({rest})" if rest else "")
