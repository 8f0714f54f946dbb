"""Virtual memory read through tables that the little builder laid out."""

import pytest

from ringbench.arch.x86_64.virtual import VirtualMemory, VirtualUnreadable
from ringbench.errors import MemoryUnreadable
from tests.unit.table_builder import FRAME, Builder, Mapping


def test_virtual_memory_reads_across_pages_that_lie_apart() -> None:
    builder, _ = Builder.build(
        [Mapping((0, 0, 0, 1), 20, (6,) * 4), Mapping((0, 0, 0, 2), 10, (6,) * 4)]
    )
    builder.memory.data += bytes(32 * FRAME - len(builder.memory.data))
    builder.memory.data[20 * FRAME + 4090 : 20 * FRAME + 4096] = b"abcdef"
    builder.memory.data[10 * FRAME : 10 * FRAME + 3] = b"ghi"
    vaddr = VirtualMemory(builder.memory, builder.root)
    assert vaddr.read(0x1FFA, 9) == b"abcdefghi"
    assert vaddr(0x1FFC, 2) == b"cd"
    assert vaddr.read(0x1000, 0) == b""
    with pytest.raises(VirtualUnreadable, match=r"0x3000.*not present at level 1"):
        vaddr.read(0x2FFF, 2)


def test_virtual_memory_says_when_a_page_is_no_memory() -> None:
    builder, _ = Builder.build([Mapping((0, 0, 0, 1), 500, (6,) * 4)])
    with pytest.raises(MemoryUnreadable):
        VirtualMemory(builder.memory, builder.root).read(0x1000, 8)
