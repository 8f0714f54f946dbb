"""A textbook kernel hunted as `ringbench hunt` hunts, up to the first thing that it does wrong."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from ringbench import subjects
from ringbench.config import load
from ringbench.engine.hunt.campaign import CHUNKS
from ringbench.engine.hunt.search import search
from ringbench.engine.script import with_machine
from ringbench.machine import Deadline

MACHINES: Final[tuple[dict[str, str], ...]] = ({}, {"modules": "1"})
"""What the batches of a hunt take in turn."""

_CAUGHT: Final = re.compile(
    r"hunt: (?P<layer>\w+): (?P<what>[\w-]+) at .*?(?:seen broken:(?P<broken>[\w-]+)|$)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Hunted:
    """What came of a hunt.

    Attributes:
        caught: what was seen, in a line; empty if nothing was.
        calls: operations that were performed until then, each a call of the kernel or some.
        seconds: that it took, boots included.
    """

    caught: str
    calls: int
    seconds: float

    @property
    def rule(self) -> str:
        """The layer and the rule that was broken: `heap disjoint`; or how the kernel ended."""
        return rule_of(self.caught)


def rule_of(caught: str) -> str:
    """Return the layer and the rule that a line names, or how the kernel ended."""
    found = _CAUGHT.match(caught)
    if found is None:
        return caught
    return f"{found['layer']} {found['broken'] or found['what']}"


def hunt(folder: Path, seed: object, seconds: float) -> Hunted:
    """Hunt the kernel in a folder, at most so long; the same seed performs the same sequences."""
    config = load(folder / "ringbench.toml")
    subject = subjects.load(config)
    started, deadline, calls = time.monotonic(), Deadline(seconds), 0
    for number in count():
        on = with_machine(config, MACHINES[number % len(MACHINES)])
        batch = f"{seed}/{number}"
        result = search(subject, on, batch, deadline.remaining(), chunks=CHUNKS, shrink=False)
        calls += result.operations
        if result.caught or result.given_up or deadline.expired:
            caught = str(result.caught[0]) if result.caught else ""
            return Hunted(caught, calls, time.monotonic() - started)
    raise AssertionError("there is always another number")
