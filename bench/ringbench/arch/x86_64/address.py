"""The arithmetic of virtual addresses in 64-bit mode (Intel SDM 3A 3.3.7.1, 4.5.1 and 4.5.4).

     63        48 47     39 38     30 29     21 20     12 11          0
    +------------+---------+---------+---------+---------+-------------+
    | copy of 47 |  PML4   |  PDPT   |   PD    |   PT    |   offset    |
    +------------+---------+---------+---------+---------+-------------+
       level:         4         3         2         1

With 5 levels, bits 56 to 48 are the index into a PML5, and bits 63 to 57 a copy of bit 56. What
depends on the number of levels takes it as an argument, which is 4 unless it is said.

Virtual addresses are unsigned 64-bit integers everywhere, the upper half too.
"""

from typing import Final

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 1 << PAGE_SHIFT
OFFSET_MASK: Final = PAGE_SIZE - 1
"""The bits of an address that are the offset in a 4 KiB page."""

INDEX_BITS: Final = 9
ENTRIES: Final = 1 << INDEX_BITS
"""Entries of a table, which fills one page."""

INDEX_MASK: Final = ENTRIES - 1
UPPER_HALF_SLOT: Final = ENTRIES // 2
"""The first entry of a root that serves the upper half."""

ENTRY_SIZE: Final = 8
LEVELS: Final = 4
MAX_LEVELS: Final = 5
"""Levels of 5-level paging, where CR4.LA57 is set."""

VIRTUAL_BITS: Final = PAGE_SHIFT + LEVELS * INDEX_BITS
VIRTUAL_SPACE: Final = 1 << VIRTUAL_BITS
"""Bytes of virtual address space, both halves together."""

ADDRESS_END: Final = 1 << 64
"""What the last address plus one would be."""

ADDRESS_MASK: Final = ADDRESS_END - 1
LOWER_HALF_END: Final = 1 << (VIRTUAL_BITS - 1)
"""First address past the lower half, which is not canonical: 0x800000000000."""

UPPER_HALF: Final = ADDRESS_END - LOWER_HALF_END
"""First canonical address with bit 47 set: 0xffff800000000000."""

LEVEL_NAMES: Final = {5: "PML5", 4: "PML4", 3: "PDPT", 2: "PD", 1: "PT"}

SIZE_4K: Final = PAGE_SIZE
SIZE_2M: Final = SIZE_4K << INDEX_BITS
SIZE_1G: Final = SIZE_2M << INDEX_BITS
PAGE_SIZES: Final = {1: SIZE_4K, 2: SIZE_2M, 3: SIZE_1G}
"""Bytes of a leaf, by the level it stands at."""

SIZE_NAMES: Final = {SIZE_4K: "4K", SIZE_2M: "2M", SIZE_1G: "1G"}
"""What page sizes are called in options and tables."""


def entry_shift(level: int) -> int:
    """Return the lowest virtual address bit that selects an entry of a level's table."""
    return PAGE_SHIFT + INDEX_BITS * (level - 1)


def entry_span(level: int) -> int:
    """Return the bytes of virtual address space that one entry of a level's table serves."""
    return 1 << entry_shift(level)


def virtual_bits(levels: int = LEVELS) -> int:
    """Return how many low bits of an address are not a copy of the one below: 48, or 57."""
    return PAGE_SHIFT + levels * INDEX_BITS


def upper_half(levels: int = LEVELS) -> int:
    """Return the first canonical address of the upper half: `UPPER_HALF` for 4 levels."""
    return ADDRESS_END - (1 << (virtual_bits(levels) - 1))


def sign_extend(address: int, levels: int = LEVELS) -> int:
    """Return the canonical unsigned 64-bit address with the same low 48 (or 57) bits."""
    bits = virtual_bits(levels)
    low = address & ((1 << bits) - 1)
    return low | upper_half(levels) if low >> (bits - 1) else low


def is_canonical(address: int, levels: int = LEVELS) -> bool:
    """Tell whether bits 63:47 (or 63:56) of an address are all equal (and it fits in 64 bits)."""
    return address == sign_extend(address, levels)


def table_index(address: int, level: int) -> int:
    """Return which entry of a level's table serves an address: 0..511."""
    return (address >> entry_shift(level)) & INDEX_MASK


def split(address: int) -> tuple[int, int, int, int, int]:
    """Return the PML4, PDPT, PD and PT index and the byte offset in a 4 KiB page, of 4 levels."""
    return (
        table_index(address, 4),
        table_index(address, 3),
        table_index(address, 2),
        table_index(address, 1),
        address & OFFSET_MASK,
    )


def compose(pml4: int, pdpt: int = 0, pd: int = 0, pt: int = 0, offset: int = 0) -> int:
    """Return the canonical address with these indices under 4 levels: the inverse of `split`.

    Raises:
        ValueError: an index is not in 0..511, or the offset not in 0..4095.
    """
    for each in (pml4, pdpt, pd, pt):
        if not 0 <= each < ENTRIES:
            raise ValueError(f"table index {each} is not in 0..{INDEX_MASK}")
    if not 0 <= offset < PAGE_SIZE:
        raise ValueError(f"page offset {offset:#x} is not in 0..{OFFSET_MASK:#x}")
    low = pml4
    for each in (pdpt, pd, pt):
        low = low << INDEX_BITS | each
    return sign_extend(low << PAGE_SHIFT | offset)
