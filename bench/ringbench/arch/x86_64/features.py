"""What of paging depends on the processor and on its mode, as one value."""

from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.address import LEVELS, MAX_LEVELS

MIN_PHYSICAL_BITS: Final = 32
MAX_PHYSICAL_BITS: Final = 52
"""The architecture's limit on physical addresses (Intel SDM 3A 4.1.4)."""

PAT_AT_RESET: Final = 0x0007_0406_0007_0406
"""IA32_PAT after reset: WB, WT, UC-, UC, and the same again (Intel SDM 3A 11.12.4)."""


@dataclass(frozen=True, slots=True)
class Features:
    """The properties of a processor that decide what a paging entry means.

    The defaults accept whatever some processor accepts: right for a dump of unknown origin.

    Attributes:
        physical_bits: MAXPHYADDR, the width of physical addresses: 32..52.
        gib_pages: whether a PDPT entry may map 1 GiB (CPUID 80000001h EDX bit 26).
        nx: whether bit 63 means no-execute (EFER.NXE is set); otherwise it is reserved.
        pat: the value of the IA32_PAT register.
        levels: 4, or 5 where CR4.LA57 is set: a root is a PML4 or a PML5.
        smep, smap, umip: whether CR4 can have them (CPUID 7 EBX bits 7 and 20, ECX bit 2).
    """

    physical_bits: int = MAX_PHYSICAL_BITS
    gib_pages: bool = True
    nx: bool = True
    pat: int = PAT_AT_RESET
    levels: int = LEVELS
    smep: bool = True
    smap: bool = True
    umip: bool = True

    def __post_init__(self) -> None:
        if not MIN_PHYSICAL_BITS <= self.physical_bits <= MAX_PHYSICAL_BITS:
            raise ValueError(f"physical width {self.physical_bits} is not in 32..52 bits")
        if not LEVELS <= self.levels <= MAX_LEVELS:
            raise ValueError(f"{self.levels} levels of page tables are not 4 or 5")


ANY: Final = Features()
"""The most permissive processor: the default of every function that takes features."""
