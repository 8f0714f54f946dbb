import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.arch.x86_64.address import (
    PAGE_SIZES,
    UPPER_HALF,
    compose,
    entry_span,
    is_canonical,
    sign_extend,
    split,
)

WORDS = st.integers(0, 2**64 - 1)
INDICES = st.integers(0, 511)


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        (0, True),
        (0x0000_7FFF_FFFF_FFFF, True),
        (0x0000_8000_0000_0000, False),
        (0xFFFF_7FFF_FFFF_FFFF, False),
        (0xFFFF_8000_0000_0000, True),
        (0xFFFF_FFFF_FFFF_FFFF, True),
        (0x8000_0000_0000_0000, False),
        (1 << 64, False),
        (-1, False),
    ],
)
def test_canonical_addresses_are_those_with_bits_63_to_47_equal(
    address: int, canonical: bool
) -> None:
    assert is_canonical(address) is canonical


@given(WORDS)
def test_canonical_agrees_with_the_bits_written_out(address: int) -> None:
    top = f"{address:064b}"[:17]
    assert is_canonical(address) is (len(set(top)) == 1)


@given(WORDS)
def test_sign_extension_keeps_48_bits_and_is_canonical(address: int) -> None:
    extended = sign_extend(address)
    assert is_canonical(extended)
    assert extended % 2**48 == address % 2**48


@given(WORDS)
def test_compose_undoes_split(address: int) -> None:
    assert compose(*split(address)) == sign_extend(address)


@given(INDICES, INDICES, INDICES, INDICES, st.integers(0, 4095))
def test_split_undoes_compose(a: int, b: int, c: int, d: int, offset: int) -> None:
    assert split(compose(a, b, c, d, offset)) == (a, b, c, d, offset)


def test_the_well_known_addresses() -> None:
    assert split(0xFFFF_FFFF_8000_0000) == (511, 510, 0, 0, 0)
    assert split(0xFFFF_8000_0000_0000) == (256, 0, 0, 0, 0)
    assert UPPER_HALF == 0xFFFF_8000_0000_0000
    assert compose(255, 511, 511, 511, 0xFFF) == 0x7FFF_FFFF_FFFF


def test_spans() -> None:
    assert [entry_span(level) for level in (1, 2, 3, 4)] == [2**12, 2**21, 2**30, 2**39]
    assert {level: entry_span(level) for level in (1, 2, 3)} == PAGE_SIZES


@pytest.mark.parametrize("bad", [(512,), (0, -1), (0, 0, 0, 0, 4096), (0, 0, 0, 0, -1)])
def test_compose_refuses_what_does_not_fit(bad: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is not in 0"):
        compose(*bad)
