"""How long does it take until ringbench does something?

Against the bare interpreter, which is what Python costs anyone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config

GOAL_SECONDS = 0.25


def _python(*arguments: str) -> Callable[[], object]:
    command = (sys.executable, *arguments)
    return partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)


def measure(_config: Config) -> Iterator[Figure]:
    """Yield seconds, and how many bare interpreters they are."""
    bare, imported, helped = best_of(
        (
            _python("-c", "pass"),
            _python("-c", "import ringbench"),
            _python("-m", "ringbench.cli.main", "--help"),
        )
    )
    yield Figure("startup.python", bare, "s")
    for name, seconds in (("import", imported), ("help", helped)):
        yield Figure(f"startup.{name}", seconds, "s", GOAL_SECONDS)
        yield Figure(f"startup.{name}.to_python", seconds / bare, "ratio")
