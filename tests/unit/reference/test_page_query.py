"""What the kernel says of an address, against the bench's walk."""

from __future__ import annotations

import dataclasses
import struct

from ringbench.arch.x86_64.records import Leaf
from ringbench.arch.x86_64.walk import translate
from ringbench.machine import BytesMemory
from ringbench.subjects.reference.check.page_query import KernelMapping, compare_query

ROOT = 0x1000
TABLES = {0x1000: 0x2007, 0x2000: 0x3007, 0x3000 + 8 * 5: 0x4007, 0x4000 + 8 * 4: 0x10411F}
"""The first PML4, PDPT and PD entries lead to one page, for 0xa04000."""


def memory() -> BytesMemory:
    data = bytearray(0x5000)
    for paddr, word in TABLES.items():
        struct.pack_into("<Q", data, paddr, word)
    return BytesMemory(bytes(data))


MEMORY = memory()


def kernels(leaf: Leaf, **changes: object) -> KernelMapping:
    return dataclasses.replace(KernelMapping.of_leaf(leaf), **changes)  # type: ignore[arg-type]


def test_the_kernels_query() -> None:
    walk = translate(MEMORY, ROOT, 0xA0_4123)
    leaf = walk.leaf
    assert leaf is not None
    mine = KernelMapping(0xA0_4000, 0x10_4000, 4096, True, True, True, True, "uc")
    assert compare_query(walk, mine) == []
    changes: dict[str, object] = {
        "vaddr": 0,
        "paddr": 0,
        "size": 2**21,
        "write": False,
        "user": False,
        "execute": False,
        "global_": False,
        "cache": "wb",
    }
    for name, value in changes.items():
        (found,) = compare_query(walk, kernels(leaf, **{name: value}))
        assert found.where == "virtual 0xa04123 under root 0x1000", name
    (absent,) = compare_query(walk, None)
    assert absent.seen == "not mapped"
    nowhere = translate(MEMORY, ROOT, 0x90_0000)
    assert compare_query(nowhere, None) == []
    (invented,) = compare_query(nowhere, mine)
    assert invented.expected == "not present at level 2 (PD)"
