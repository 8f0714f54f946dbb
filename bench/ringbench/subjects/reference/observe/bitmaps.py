"""Bitmaps as Python integers, and their runs of set bits as arrays."""

import numpy as np
from numpy.typing import NDArray


def bit_runs(bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each run of set bits starts and where it ends (exclusive), ascending."""
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    flags = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    padded = np.zeros(len(flags) + 2, np.int8)
    padded[1:-1] = flags
    change = np.diff(padded)
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


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
