"""Taking times on a machine that does other things as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

ROUNDS = 7


def best_of(actions: Sequence[Callable[[], object]], rounds: int = ROUNDS) -> tuple[float, ...]:
    """The shortest time of each action in seconds, of `rounds` times.

    The actions take turns, so that whatever slows the machine down meets all of them; the shortest
    time is the one that least else had a part in.
    """
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for i, action in enumerate(actions):
            start = time.perf_counter()
            action()
            best[i] = min(best[i], time.perf_counter() - start)
    return tuple(best)
