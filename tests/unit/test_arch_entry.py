import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.arch.x86_64.entry import (
    NX,
    PAT_4K,
    PAT_LARGE,
    PCD,
    PS,
    PWT,
    CacheMode,
    D,
    Entry,
    G,
    P,
    describe,
)
from ringbench.arch.x86_64.features import PAT_AT_RESET, Features

NO_GIB = Features(gib_pages=False)
NO_NX = Features(nx=False)
WORDS = st.integers(0, 2**64 - 1)
LEVELS = st.integers(1, 4)


def reserved_bits(raw: int, level: int, features: Features) -> set[int]:
    """Return the reserved bits of the manual's tables 4-15 to 4-20, bit by bit."""
    large = level in (2, 3) and bool(raw >> 7 & 1) and (level == 2 or features.gib_pages)
    result = set()
    for bit in range(64):
        beyond = features.physical_bits <= bit <= 51
        table_ps = bit == 7 and (level == 4 or (level == 3 and not features.gib_pages))
        below = large and 13 <= bit <= (20 if level == 2 else 29)
        no_nxe = bit == 63 and not features.nx
        if raw >> bit & 1 and (beyond or table_ps or below or no_nxe):
            result.add(bit)
    return result


@given(WORDS, LEVELS, st.builds(Features, st.integers(32, 52), st.booleans(), st.booleans()))
def test_reserved_bits_are_the_manuals(raw: int, level: int, features: Features) -> None:
    decoded = Entry.of(raw, level, features)
    assert {bit for bit in range(64) if decoded.reserved >> bit & 1} == reserved_bits(
        raw, level, features
    )


@given(WORDS, LEVELS)
def test_every_bit_is_named_or_address(raw: int, level: int) -> None:
    """No bit of an entry is lost in its text: names and address give the entry back."""
    if raw == 0:
        return
    names, address = describe(raw, level).split(" ")
    value = {"P": 0, "W": 1, "U": 2, "PWT": 3, "PCD": 4, "A": 5, "D": 6, "PS": 7, "G": 8, "NX": 63}
    large = level in (2, 3) and raw >> 7 & 1
    value["PAT"] = 12 if large else 7
    rebuilt = int(address, 16)
    for name in [] if names == "-" else names.split("|"):
        bit = int(name[3:]) if name.startswith("bit") else value[name]
        assert not rebuilt >> bit & 1, f"{name} counted twice"
        rebuilt |= 1 << bit
    assert rebuilt == raw


def test_text_for_reports() -> None:
    assert describe(0x8000_0000_0123_4067, 1) == "P|W|U|A|D|NX 0x1234000"
    assert describe(0x0000_0000_0020_00E3, 2) == "P|W|A|D|PS 0x200000"
    assert describe(0, 1) == "0"
    assert describe(0x1000, 1) == "- 0x1000"
    assert str(Entry.of(0x1007, 4)) == "P|W|U 0x1000"


def test_a_bit_7_is_a_page_only_where_the_level_has_pages() -> None:
    raw = P | PS
    assert [Entry.of(raw, level).leaf for level in (4, 3, 2, 1)] == [False, True, True, True]
    assert not Entry.of(raw, 3, NO_GIB).leaf
    assert Entry.of(raw, 3, NO_GIB).reserved == PS
    assert Entry.of(raw, 4).reserved == PS
    assert not Entry.of(P, 2).leaf


def test_the_address_ends_at_the_physical_width_and_starts_at_the_page_size() -> None:
    raw = 0x000F_FFFF_FFFF_F000 | P | PS
    assert Entry.of(raw, 1).address == 0x000F_FFFF_FFFF_F000
    assert Entry.of(raw, 2).address == 0x000F_FFFF_FFE0_0000
    assert Entry.of(raw, 3).address == 0x000F_FFFF_C000_0000
    assert Entry.of(raw, 1, Features(physical_bits=40)).address == 0x0000_00FF_FFFF_F000
    assert Entry.of(raw & ~PS, 2).address == 0x000F_FFFF_FFFF_F000


def test_dirty_and_global_mean_nothing_above_the_leaf() -> None:
    table = Entry.of(P | D | G, 2)
    assert (table.dirty, table.global_) == (False, False)
    page = Entry.of(P | D | G | PS, 2)
    assert (page.dirty, page.global_) == (True, True)


def test_no_execute_is_reserved_without_nxe() -> None:
    assert Entry.of(P | NX, 1).reserved == 0
    assert Entry.of(P | NX, 1, NO_NX).reserved == NX


@pytest.mark.parametrize(
    ("pat", "pcd", "pwt", "mode"),
    [
        (0, 0, 0, "WB"),
        (0, 0, 1, "WT"),
        (0, 1, 0, "UC-"),
        (0, 1, 1, "UC"),
        (1, 0, 0, "WB"),
        (1, 1, 1, "UC"),
    ],
)
def test_cache_modes_after_reset(pat: int, pcd: int, pwt: int, mode: str) -> None:
    common = P | pcd * PCD | pwt * PWT
    assert Entry.of(common | pat * PAT_4K, 1).cache.value == mode
    assert Entry.of(common | PS | pat * PAT_LARGE, 2).cache.value == mode
    assert Entry.of(common | PS | pat * PAT_LARGE, 3).cache.value == mode


def test_the_pat_bit_selects_the_upper_half_of_the_register() -> None:
    write_combining_at_4 = PAT_AT_RESET & ~(0xFF << 32) | 1 << 32
    features = Features(pat=write_combining_at_4)
    assert Entry.of(P | PAT_4K, 1, features).cache is CacheMode.WC
    assert Entry.of(P | PS | PAT_LARGE, 2, features).cache is CacheMode.WC
    assert Entry.of(P | PS, 2, features).cache is CacheMode.WB
    # Bit 12 of a non-leaf entry is address, bit 7 page size: neither selects.
    assert Entry.of(P | 1 << 12, 2, features).cache is CacheMode.WB


def test_an_invalid_pat_field_is_not_taken_for_a_mode() -> None:
    assert Entry.of(P, 1, Features(pat=2)).cache is CacheMode.INVALID


def test_an_impossible_physical_width_is_refused() -> None:
    with pytest.raises(ValueError, match="physical width 53"):
        Features(physical_bits=53)


@pytest.mark.parametrize("levels", [3, 6])
def test_there_are_4_or_5_levels(levels: int) -> None:
    with pytest.raises(ValueError, match=f"{levels} levels"):
        Features(levels=levels)


def test_a_pml5_entry_is_never_a_page() -> None:
    entry = Entry.of(0x83, 5)
    assert not entry.leaf
    assert entry.reserved == 0x80
