"""Where guest RAM is, read from QEMU's own description of it (as QEMU 7.2 prints it)."""

import pytest

from ringbench.errors import MemoryUnreadable
from ringbench.machine.ram import RamMap, RamRange, parse_mtree

SMALL = """FlatView #0
 AS "i440FX", root: bus master container
 Root memory region: (none)
  No rendered FlatView

FlatView #1
 AS "cpu-smm-0", root: memory
 Root memory region: memory
  0000000000000000-00000000000fffff (prio 0, ram): guest-ram

FlatView #2
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-00000000000c2fff (prio 0, ram): guest-ram
  00000000000c3000-00000000000e7fff (prio 0, rom): guest-ram @00000000000c3000
  00000000000e8000-00000000000effff (prio 0, ram): guest-ram @00000000000e8000
  00000000000f0000-00000000000fffff (prio 0, rom): guest-ram @00000000000f0000
  0000000000100000-0000000003ffffff (prio 0, ram): guest-ram @0000000000100000
  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

FlatView #3
 AS "I/O", root: io
  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan
"""
LARGE = """FlatView #1
 AS "memory", root: system
  0000000000000000-000000000009ffff (prio 0, ram): guest-ram
  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem
  00000000000c0000-00000000bfffffff (prio 0, ram): guest-ram @00000000000c0000
  0000000100000000-00000001bfffffff (prio 0, ram): guest-ram @00000000c0000000
"""


def test_one_piece_where_only_permissions_differ() -> None:
    ram = parse_mtree(SMALL, "guest-ram")
    assert ram == RamMap((RamRange(0, 64 << 20, 0),))
    assert ram.end == 64 << 20


def test_holes_and_the_part_above_4_gib() -> None:
    ram = parse_mtree(LARGE, "guest-ram")
    assert ram.ranges == (
        RamRange(0, 0xA0000, 0),
        RamRange(0xC0000, 0xC0000000 - 0xC0000, 0xC0000),
        RamRange(1 << 32, 3 << 30, 0xC0000000),
    )
    assert ram.end == 7 << 30
    assert ram.offset(1 << 32, 8) == 0xC0000000
    assert ram.offset((7 << 30) - 1, 1) == (6 << 30) - 1
    assert str(ram) == "0x0..0x9ffff, 0xc0000..0xbfffffff, 0x100000000..0x1bfffffff"


@pytest.mark.parametrize(
    ("paddr", "length"),
    [
        (0x9FFFF, 2),
        (0xA0000, 1),
        (0xBFFFF, 2),
        (0xBFFFFFFF, 2),
        (0xC0000000, 1),
        (0xFFFFFFFF, 2),
        (7 << 30, 1),
        (-1, 1),
        (0, -1),
        (1 << 64, 1),
    ],
)
def test_what_is_not_ram(paddr: int, length: int) -> None:
    with pytest.raises(MemoryUnreadable, match=r"guest RAM is 0x0\.\.0x9ffff") as caught:
        parse_mtree(LARGE, "guest-ram").offset(paddr, length)
    assert (caught.value.paddr, caught.value.length) == (paddr, length)


def test_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no system address space"):
        parse_mtree("nonsense", "guest-ram")
    with pytest.raises(ValueError, match="no RAM 'other'"):
        parse_mtree(SMALL, "other")
