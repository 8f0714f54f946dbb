"""The kernel's own `page query` against the bench's walk of the same tables."""

from __future__ import annotations

import dataclasses

from ringbench.arch.x86_64.records import Leaf
from ringbench.arch.x86_64.walk import translate
from ringbench.subjects.reference.check.page_query import KernelMapping, compare_query
from tests.unit.tables_of_a_guest import MEMORY, ROOT


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
        assert found.where == "virtual 0xa04123 under root 0x300000", name
    (absent,) = compare_query(walk, None)
    assert absent.seen == "not mapped"
    nowhere = translate(MEMORY, ROOT, 0x90_0000)
    assert compare_query(nowhere, None) == []
    (invented,) = compare_query(nowhere, mine)
    assert invented.expected == "not present at level 2 (PD)"
