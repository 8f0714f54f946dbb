"""A random source made of bytes: in range, and simpler where the bytes are."""

from hypothesis import given
from hypothesis import strategies as st

from ringbench.engine.hunt.byte_random import ByteRandom


@given(st.integers(1, 1 << 62), st.binary(max_size=9))
def test_decisions_stay_in_range(end: int, decisions: bytes) -> None:
    assert 0 <= ByteRandom(decisions).randrange(end) < end
    assert 0 <= ByteRandom(decisions).random() < 1
    assert 5 <= ByteRandom(decisions).randint(5, 5 + end) <= 5 + end


def test_simpler_bytes_decide_simpler() -> None:
    assert ByteRandom(bytes(8)).randrange(1000) == 0
    assert ByteRandom(bytes(8)).choice("abc") == "a"
    assert ByteRandom(b"\xff" * 8).choice("abc") == "c"
    assert ByteRandom(b"\x07").randbytes(3) == b"\x07\x08\x09"
