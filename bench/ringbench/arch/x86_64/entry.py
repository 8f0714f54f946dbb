"""Every bit of a paging entry in 64-bit mode, named once (Intel SDM 3A 4.5, tables 4-14 to 4-20).

     63 62      52 51       M M-1                    12 11  9  8  7  6  5  4   3   2 1 0
    +--+----------+----------+-------------------------+-----+--+--+--+--+---+---+--+-+-+
    |NX|  ignored | reserved |        address          | ign | G|PS| D| A|PCD|PWT| U|W|P|
    +--+----------+----------+-------------------------+-----+--+--+--+--+---+---+--+-+-+

M is the physical width. What differs by level:

- bit 7 is PS (this entry is a leaf) at levels 3 and 2, reserved at levels 5 and 4, PAT at level 1;
- in a large leaf bit 12 is PAT and the address bits below the page size are reserved;
- D and G mean something in leaves only and are ignored elsewhere;
- PWT and PCD of a non-leaf describe how the next table is read, not the page.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SHIFT, entry_shift
from ringbench.arch.x86_64.features import ANY, MAX_PHYSICAL_BITS, Features


def bits(low: int, high: int) -> int:
    """Return the mask of bits low..high, both included; empty if high < low."""
    return ((1 << (high + 1)) - 1) & ~((1 << low) - 1) if high >= low else 0


P: Final = 1 << 0  # present
W: Final = 1 << 1  # writable ("R/W")
U: Final = 1 << 2  # user ("U/S")
PWT: Final = 1 << 3  # page-level write-through
PCD: Final = 1 << 4  # page-level cache disable
A: Final = 1 << 5  # accessed
D: Final = 1 << 6  # dirty; leaves only
PS: Final = 1 << 7  # page size; levels 3 and 2
PAT_4K: Final = 1 << 7  # third bit of the PAT index, in a 4 KiB leaf
G: Final = 1 << 8  # global; leaves only
PAT_LARGE: Final = 1 << 12  # third bit of the PAT index, in a 2 MiB or 1 GiB leaf
NX: Final = 1 << 63  # no-execute ("XD"); reserved unless EFER.NXE

AVAILABLE_LOW: Final = bits(9, 11)  # ignored: the kernel's own
AVAILABLE_HIGH: Final = bits(52, 62)  # ignored (protection key where CR4.PKE, not modelled)
ADDRESS: Final = bits(PAGE_SHIFT, MAX_PHYSICAL_BITS - 1)


class CacheMode(StrEnum):
    """Memory types that the PAT register can name (Intel SDM 3A 11.12.2, table 11-10)."""

    UC = "UC"  # uncacheable
    WC = "WC"  # write combining
    WT = "WT"  # write through
    WP = "WP"  # write protected
    WB = "WB"  # write back
    UC_MINUS = "UC-"  # uncacheable, unless the MTRR says WC
    INVALID = "?"  # an encoding that WRMSR refuses


_PAT_ENCODING: Final = {
    0: CacheMode.UC,
    1: CacheMode.WC,
    4: CacheMode.WT,
    5: CacheMode.WP,
    6: CacheMode.WB,
    7: CacheMode.UC_MINUS,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One paging entry at a level, read bit by bit.

    Attributes:
        raw: the 64 bits as stored.
        level: 5 (PML5E) or 4 (PML4E) to 1 (PTE).
        leaf: whether it maps a page (meaningful only if present).
        address: physical address of the page or of the next table.
        cache: memory type of the page; for a non-leaf, of the next table.
        reserved: the reserved bits that are set; a present entry with any faults when used.
    """

    raw: int
    level: int
    present: bool
    write: bool
    user: bool
    no_execute: bool
    accessed: bool
    dirty: bool
    global_: bool
    leaf: bool
    address: int
    cache: CacheMode
    reserved: int

    @classmethod
    def of(cls, raw: int, level: int, features: Features = ANY) -> "Entry":
        """Return the meaning of one raw 64-bit entry at a level (5 = PML5 .. 1 = PT)."""
        leaf = is_leaf(raw, level, features)
        return cls(
            raw=raw,
            level=level,
            present=bool(raw & P),
            write=bool(raw & W),
            user=bool(raw & U),
            no_execute=bool(raw & NX),
            accessed=bool(raw & A),
            dirty=leaf and bool(raw & D),
            global_=leaf and bool(raw & G),
            leaf=leaf,
            address=raw & address_mask(level, leaf, features.physical_bits),
            cache=cache_mode(raw, level, leaf, features),
            reserved=raw & reserved_mask(level, leaf, features),
        )

    def __str__(self) -> str:
        return describe(self.raw, self.level)


def large_bit(level: int, features: Features = ANY) -> int:
    """Return the bit that makes an entry map a large page: PS, or 0 at levels that have none.

    1 GiB pages are not on every processor (Intel SDM 3A 4.1.4, 4.5.4).
    """
    return PS if level == 2 or (level == 3 and features.gib_pages) else 0


def is_leaf(raw: int, level: int, features: Features = ANY) -> bool:
    """Tell whether a present entry maps a page; without 1 GiB pages a PDPT entry never does."""
    return level == 1 or bool(raw & large_bit(level, features))


@lru_cache(maxsize=256)
def address_mask(level: int, leaf: bool, physical_bits: int = MAX_PHYSICAL_BITS) -> int:
    """Return the bits of an entry that hold the physical address of its page or table."""
    low = entry_shift(level) if leaf else PAGE_SHIFT
    return bits(low, physical_bits - 1)


def reserved_mask(level: int, leaf: bool, features: Features = ANY) -> int:
    """Return the bits that must be 0 in a present entry (Intel SDM 3A 4.5.4).

    AMD also reserves bit 8 of PML4 and PDPT table entries; Intel and QEMU ignore it, and so do we.
    """
    return _reserved(level, leaf, features.physical_bits, features.nx, features.gib_pages)


@lru_cache(maxsize=256)
def _reserved(level: int, leaf: bool, physical_bits: int, nx: bool, gib_pages: bool) -> int:
    mask = bits(physical_bits, MAX_PHYSICAL_BITS - 1)
    if not nx:
        mask |= NX
    if level >= 4 or (level == 3 and not gib_pages):
        mask |= PS
    if leaf and level > 1:
        mask |= bits(PAGE_SHIFT + 1, entry_shift(level) - 1)  # bit 12 is PAT
    return mask


def set_by_processor(leaf: bool) -> int:
    """Return the bits of a present entry that the processor sets by itself (Intel SDM 3A 4.8)."""
    return A | (D if leaf else 0)


def pat_index(raw: int, level: int, leaf: bool) -> int:
    """Return which of the eight PAT fields an entry selects: PAT, PCD, PWT (Intel SDM 3A 4.9.2)."""
    pat_bit = (PAT_4K if level == 1 else PAT_LARGE) if leaf else 0
    return bool(raw & pat_bit) << 2 | bool(raw & PCD) << 1 | bool(raw & PWT)


def cache_mode(raw: int, level: int, leaf: bool, features: Features = ANY) -> CacheMode:
    """Return the memory type that an entry asks for, under the PAT register of `features`."""
    return _pat_field(features.pat, pat_index(raw, level, leaf))


def cache_modes(features: Features) -> tuple[CacheMode, ...]:
    """Return the memory types that the eight PAT indices select under a PAT register's value."""
    return tuple(_pat_field(features.pat, index) for index in range(8))


def _pat_field(pat: int, index: int) -> CacheMode:
    """Return the memory type in one of the eight bytes of a PAT register (Intel SDM 3A 11.12.2)."""
    return _PAT_ENCODING.get(pat >> 8 * index & 0xFF, CacheMode.INVALID)


_COMMON_NAMES: Final = (
    (P, "P"),
    (W, "W"),
    (U, "U"),
    (PWT, "PWT"),
    (PCD, "PCD"),
    (A, "A"),
    (D, "D"),
)


def bit_names(raw: int, level: int) -> list[str]:
    """Return the names of all set bits outside the address, lowest first; ignored ones by number.

    A bit has the name that it has in a present entry: PS at level 3 is PS on any processor.
    """
    leaf = is_leaf(raw, level)
    names = [name for bit, name in _COMMON_NAMES if raw & bit]
    if raw & PS:
        names.append("PAT" if level == 1 else "PS")
    if raw & G:
        names.append("G")
    names += [f"bit{n}" for n in range(9, 12) if raw >> n & 1]
    if leaf and level > 1:
        if raw & PAT_LARGE:
            names.append("PAT")
        names += [f"bit{n}" for n in range(13, entry_shift(level)) if raw >> n & 1]
    names += [f"bit{n}" for n in range(52, 63) if raw >> n & 1]
    if raw & NX:
        names.append("NX")
    return names


def describe(raw: int, level: int) -> str:
    """Return an entry in named bits, for people: `P|W|A|D|NX 0x1234000`; `0` for an empty one."""
    if raw == 0:
        return "0"
    address = raw & address_mask(level, is_leaf(raw, level))
    return f"{'|'.join(bit_names(raw, level)) or '-'} {address:#x}"
