"""Bitmaps as Python integers, and their runs of set bits as arrays."""

import numpy as np
from numpy.typing import NDArray


def bit_runs(bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each run of set bits starts and where it ends (exclusive), ascending."""
    edges = bits ^ bits << 1  # set where a bit is not as the one before it
    words = np.frombuffer(edges.to_bytes((edges.bit_length() + 63) // 64 * 8, "little"), "<u8")
    places = np.flatnonzero(words)
    flags = np.unpackbits(words[places].view(np.uint8), bitorder="little").reshape(-1, 64)
    word, bit = np.nonzero(flags)
    found = places[word] * 64 + bit
    return found[::2], found[1::2]


def describe_bits(bits: int, limit: int = 4) -> str:
    """Return the runs of set bits for people: `3, 8-11, ... 5 more`; `none`."""
    starts, ends = bit_runs(bits)
    shown = [
        f"{start}" if end - start == 1 else f"{start}-{end - 1}"
        for start, end in zip(starts[:limit].tolist(), ends[:limit].tolist(), strict=True)
    ]
    if len(starts) > limit:
        shown.append(f"... {len(starts) - limit} more")
    return ", ".join(shown) or "none"
