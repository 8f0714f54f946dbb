"""A random source made of bytes: in range, and simpler where the bytes are."""

from hypothesis import given
from hypothesis import strategies as st

from ringbench.engine.hunt.byte_random import Genes


@given(st.integers(1, 1 << 62), st.binary(max_size=9))
def test_genes_stay_in_range(end: int, genes: bytes) -> None:
    assert 0 <= Genes(genes).randrange(end) < end
    assert 0 <= Genes(genes).random() < 1
    assert 5 <= Genes(genes).randint(5, 5 + end) <= 5 + end


def test_simpler_genes_decide_simpler() -> None:
    assert Genes(bytes(8)).randrange(1000) == 0
    assert Genes(bytes(8)).choice("abc") == "a"
    assert Genes(b"\xff" * 8).choice("abc") == "c"
    assert Genes(b"\x07").randbytes(3) == b"\x07\x08\x09"
