"""Of tables whose number of levels nobody says, which it is."""

import random
import struct

import pytest

from ringbench.arch.x86_64.levels import levels_of
from ringbench.machine import BytesMemory

ROOT = 0x1000
LARGE = 0x83
CODE = random.Random(0).randbytes(4096)


def memory(words: dict[int, int], contents: dict[int, bytes] | None = None) -> BytesMemory:
    """Return memory in which frames 1, 2, 3... are a chain of tables, and what else is given."""
    data = bytearray(0x10000)
    for paddr, word in words.items():
        struct.pack_into("<Q", data, paddr, word)
    for paddr, content in (contents or {}).items():
        data[paddr : paddr + len(content)] = content
    return BytesMemory(data)


def chain(frames: int) -> dict[int, int]:
    """Each of so many frames leads to the next by its entries 0 and 511."""
    return {
        at * 0x1000 + 8 * index: (at + 1) << 12 | 3 for at in range(1, frames) for index in (0, 511)
    }


@pytest.mark.parametrize(("frames", "levels"), [(3, 4), (4, 5)])
def test_large_pages(frames: int, levels: int) -> None:
    """In the last of the frames; 2 MiB pages that are not 1 GiB pages with reserved bits."""
    pages = {frames * 0x1000 + 8 * n: n << 21 | LARGE for n in range(512)}
    assert levels_of(memory(chain(frames) | pages), ROOT) == levels


@pytest.mark.parametrize(("frames", "levels"), [(4, 4), (5, 5)])
def test_small_pages_of_code_and_of_tables(frames: int, levels: int) -> None:
    pages = {frames * 0x1000 + 8 * n: (n << 12) | 3 for n in range(16)}
    assert levels_of(memory(chain(frames) | pages, {0x8000: CODE}), ROOT) == levels


def test_a_single_large_page_at_0_has_4_levels() -> None:
    """It could be 1 GiB of 5 levels as well, in both halves."""
    assert levels_of(memory(chain(3) | {0x3000: LARGE}), ROOT) == 4


def test_a_bad_entry_or_two_of_many_do_not_matter() -> None:
    pages = {0x4000 + 8 * n: n << 21 | LARGE for n in range(12)}
    bad = {0x4000 + 8 * 100: 1 << 51 | LARGE, 0x4000 + 8 * 101: 0x7777_7003}
    assert levels_of(memory(chain(4) | pages | bad), ROOT) == 5
    assert levels_of(memory(chain(4) | dict(list(pages.items())[:7]) | bad), ROOT) == 4


def test_nothing_at_all_has_4_levels() -> None:
    assert levels_of(memory({}), ROOT) == 4
    assert levels_of(memory({ROOT + 8 * 510: ROOT | 3}), ROOT) == 4
