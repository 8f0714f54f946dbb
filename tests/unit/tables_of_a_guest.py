"""Page tables that a guest built by hand in its first instructions, rebuilt here.

1 GiB, 2 MiB and 4 KiB leaves, one directory reached through a read-only and through a supervisor
entry, a recursive slot.
"""

import struct

from ringbench.errors import MemoryUnreadable

TABLES: dict[int, int] = {
    # PML4 at 0x300000
    0x300000: 0x301027,
    0x300000 + 8 * 256: 0x301023,
    0x300000 + 8 * 510: 0x300003,
    0x300000 + 8 * 511: 0x302023,
    # PDPT: a directory, 1 GiB no-execute, 1 GiB user
    0x301000: 0x303027,
    0x301008: 0x8000_0000_4000_0083,
    0x301010: 0x8000_0087,
    # PDPT of the last slot: a read-only directory
    0x302000 + 8 * 510: 0x304021,
    # PD
    0x303000: 0x0000A3,
    0x303008: 0x200083,
    0x303010: 0x4000E7,
    0x303018: 0x8000_0000_0060_0187,
    0x303028: 0x305027,
    # PD of the last slot; its first entry is a 2 MiB page with the PAT bit
    0x304000: 0x001083,
    0x304008: 0x305023,
    # PT
    0x305000: 0x100003,
    0x305008: 0x101001,
    0x305010: 0x102005,
    0x305018: 0x8000_0000_0010_3007,
    0x305020: 0x10411F,
    0x305028: 0x105087,
    0x305FF8: 0x107003,
}
ROOT = 0x300018  # as CR3 was: with PWT and PCD


class Tables:
    def __init__(self, words: dict[int, int]) -> None:
        self.data = bytearray(0x306000)
        for paddr, word in words.items():
            struct.pack_into("<Q", self.data, paddr, word)

    def read(self, paddr: int, length: int) -> bytes:
        if paddr + length > len(self.data):
            raise MemoryUnreadable(paddr, length, "end")
        return bytes(self.data[paddr : paddr + length])


MEMORY = Tables(TABLES)
