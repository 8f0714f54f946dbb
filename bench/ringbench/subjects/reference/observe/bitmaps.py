"""Bitmaps as Python integers, and their runs of set bits as arrays."""

import numpy as np
from numpy.typing import NDArray

from ringbench.observe.reader import count_runs, lowest_runs


def bit_runs(bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each run of set bits starts and where it ends (exclusive), ascending.

    Time and memory are those of the bitmap and of its runs, not of its bits.
    """
    edges = bits ^ bits << 1
    data = np.frombuffer(edges.to_bytes((edges.bit_length() + 7) // 8, "little"), np.uint8)
    (where,) = np.nonzero(data)
    flags = np.unpackbits(data[where, np.newaxis], axis=1, bitorder="little")
    row, bit = np.nonzero(flags)
    places = where[row] * 8 + bit
    return places[0::2], places[1::2]


def describe_bits(bits: int, limit: int = 4) -> str:
    """Return the runs of set bits for people: `3, 8-11, ... 5 more`; `none`."""
    starts, ends = bit_runs(lowest_runs(bits, limit))
    shown = [
        f"{start}" if end - start == 1 else f"{start}-{end - 1}"
        for start, end in zip(starts[:limit].tolist(), ends[:limit].tolist(), strict=True)
    ]
    if (count := count_runs(bits)) > limit:
        shown.append(f"... {count - limit} more")
    return ", ".join(shown) or "none"
