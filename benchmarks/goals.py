"""The goals of the exact figures: the most that a name may have, by its pattern."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GOALS: Final[Mapping[str, float]] = MappingProxyType(
    {
        r"frames\.\w+\.\d+\.alloc\.mean": 50,
        r"frames\.\w+\.\d+\.free\.mean": 65,
        r"frames\.\w+\.\d+\.(alloc|free)(_all)?\.worst": 110,
        r"blocks\.\w+\.\d+\.alloc\.mean": 120,
        r"blocks\.\w+\.\d+\.free\.mean": 100,
        r"slab\.\d+\.(alloc|free)\.mean": 40,
        r"slab\.\d+\.(alloc_growing|free_shrinking|alloc|free)\.worst": 90,
        r"buddy\.\w+\.\d+\.(alloc|free)\.mean": 110,
        r"buddy\.\w+\.\d+\.(alloc|free)\.worst": 400,
        r"kmalloc\.slab\+list\.small\.\d+\.(alloc|free)\.mean": 60,
        r"map\.1\.map\.mean": 120,
        r"map\.1\.unmap\.mean": 200,
        r"map\.(512|16384)\.map\.mean": 14,
        r"map\.(512|16384)\.unmap\.mean": 25,
        r"query\.\d+\.query\.mean": 60,
        r"fault\.\d+\.fault\.mean": 700,
        r"clone\.\d+\.copy\.mean": 900,
        r"heap\.random\.\d+\.alloc\.mean": 100,
        r"heap\.random\.\d+\.free\.mean": 80,
        r"heap\.random\.\d+\.alloc\.worst": 190,
        r"heap\.random\.\d+\.free\.worst": 175,
        r"heap\.random\.100\.footprint": 1.22,
        r"heap\.random\.1000\.footprint": 1.15,
        r"heap\.random\.10000\.footprint": 1.10,
        r"heap\.random\.100000\.footprint": 1.08,
        r"heap\.random\.\d+\.nodes_left": 1,
        r"heap\.lifo\.\d+\.alloc\.mean": 90,
        r"heap\.lifo\.\d+\.free\.mean": 70,
        r"heap\.lifo\.\d+\.nodes_left": 1,
        r"heap\.fragmented\.\d+\.(alloc|free)\.worst": 190,
        r"heap\.fragmented\.\d+\.footprint": 1.78,
        r"heap\.fragmented\.\d+\.nodes_left": 1,
    }
)


def goal_of(name: str) -> float | None:
    """The goal of a figure; None if it has none."""
    return next((goal for pattern, goal in GOALS.items() if re.fullmatch(pattern, name)), None)
