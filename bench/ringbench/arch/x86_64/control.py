"""Control registers, EFER and RFLAGS: the bits that decide about paging (Intel SDM 3A 2.2 to 2.5).

`IntFlag`, so that a value prints as names: `str(Cr4(0xa0))` is `PAE|PGE`.
"""

from enum import IntFlag, StrEnum
from typing import Final

MSR_EFER: Final = 0xC000_0080
MSR_PAT: Final = 0x277
"""Numbers of model-specific registers (Intel SDM 4, table 2-2)."""


class NamedFlag(IntFlag):
    """An `IntFlag` whose text is its bits by name."""

    def __str__(self) -> str:
        """Return the set bits by name, unknown ones as one hex number."""
        known = [member for member in type(self) if member in self]
        rest = int(self) & ~sum(int(member) for member in known)
        return "|".join([str(m.name) for m in known] + ([f"{rest:#x}"] if rest else [])) or "0"


class Cr0(NamedFlag):
    """The bits of control register 0 (Intel SDM 3A 2.5)."""

    PE = 1 << 0  # protected mode
    MP = 1 << 1
    EM = 1 << 2
    TS = 1 << 3
    ET = 1 << 4
    NE = 1 << 5
    WP = 1 << 16  # supervisor writes honour the writable bit
    AM = 1 << 18
    NW = 1 << 29
    CD = 1 << 30
    PG = 1 << 31  # paging


class Cr4(NamedFlag):
    """The bits of control register 4 (Intel SDM 3A 2.5)."""

    VME = 1 << 0
    PVI = 1 << 1
    TSD = 1 << 2
    DE = 1 << 3
    PSE = 1 << 4
    PAE = 1 << 5  # 64-bit paging entries
    MCE = 1 << 6
    PGE = 1 << 7  # global pages
    PCE = 1 << 8
    OSFXSR = 1 << 9
    OSXMMEXCPT = 1 << 10
    UMIP = 1 << 11
    LA57 = 1 << 12  # 5-level paging
    VMXE = 1 << 13
    SMXE = 1 << 14
    FSGSBASE = 1 << 16
    PCIDE = 1 << 17  # CR3 bits 11:0 are a process-context identifier
    OSXSAVE = 1 << 18
    SMEP = 1 << 20  # no supervisor execution of user pages
    SMAP = 1 << 21  # no supervisor access to user pages, unless RFLAGS.AC
    PKE = 1 << 22
    CET = 1 << 23
    PKS = 1 << 24


class Efer(NamedFlag):
    """The bits of the IA32_EFER register (Intel SDM 3A 2.2.1)."""

    SCE = 1 << 0  # SYSCALL
    LME = 1 << 8  # long mode wanted
    LMA = 1 << 10  # long mode active
    NXE = 1 << 11  # bit 63 of a paging entry is no-execute


class Rflags(NamedFlag):
    """Those bits of RFLAGS that matter here (Intel SDM 3A 2.3; volume 1, 3.4.3)."""

    CF = 1 << 0
    PF = 1 << 2
    AF = 1 << 4
    ZF = 1 << 6
    SF = 1 << 7
    TF = 1 << 8
    IF = 1 << 9
    DF = 1 << 10
    OF = 1 << 11
    NT = 1 << 14
    RF = 1 << 16
    AC = 1 << 18  # with CR4.SMAP: supervisor may access user pages
    ID = 1 << 21  # can be flipped: there is CPUID


class PagingMode(StrEnum):
    """How linear addresses are translated (Intel SDM 3A 4.1.1, table 4-1)."""

    NONE = "no paging"
    BITS_32 = "32-bit paging"
    PAE = "PAE paging"
    FOUR_LEVEL = "4-level paging"
    FIVE_LEVEL = "5-level paging"

    @property
    def levels(self) -> int | None:
        """Levels of tables that are read here: 4 or 5; None in the modes that are not read."""
        return {PagingMode.FOUR_LEVEL: 4, PagingMode.FIVE_LEVEL: 5}.get(self)


def paging_mode(cr0: int, cr4: int, efer: int) -> PagingMode:
    """Return the mode that these registers select (Intel SDM 3A 4.1.1)."""
    if not cr0 & Cr0.PG:
        return PagingMode.NONE
    if not cr4 & Cr4.PAE:
        return PagingMode.BITS_32
    if not efer & Efer.LME:
        return PagingMode.PAE
    return PagingMode.FIVE_LEVEL if cr4 & Cr4.LA57 else PagingMode.FOUR_LEVEL
