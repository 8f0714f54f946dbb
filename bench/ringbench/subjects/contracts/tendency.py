"""Whether more is to be got or to be given back: by turns, so that memory fills and empties."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from random import Random
from typing import Final

from ringbench.subjects.contracts.state import State

PHASE: Final = 64
"""Operations before the tendency changes."""

GIVEN_BACK: Final = (0.2, 0.5, 0.35, 0.8)
"""Share of operations that give something back, phase by phase."""

MANY: Final = 400
"""Things held of a layer, from which on more is given back than got."""


def gives_back(random: Random, state: State, live: Sized) -> bool:
    """Draw whether the next operation gives something back, if there is anything."""
    share = GIVEN_BACK[state.drawn // PHASE % len(GIVEN_BACK)]
    if len(live) > MANY:
        share = 0.8
    return random.random() < share and bool(live)


def one_of(random: Random, live: Iterable[str]) -> str:
    """Draw a name that is live: the latest one often, for it is next to what is free."""
    names = list(live)
    return names[-1] if random.random() < 0.2 else random.choice(names)
