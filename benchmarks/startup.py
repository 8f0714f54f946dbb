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
GOAL_LOOK_SECONDS = 0.1

BEFORE_BOOT = """
import ringbench.subjects.reference.cli.frames
import ringbench.debuginfo.dwarf
import ringbench.machine
"""
"""What `ringbench frames` loads until its machine starts."""


def _python(*arguments: str) -> Callable[[], object]:
    command = (sys.executable, *arguments)
    return partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)


def measure(_config: Config) -> Iterator[Figure]:
    """Yield seconds, and how many bare interpreters they are."""
    bare, imported, helped, looked = best_of(
        (
            _python("-c", "pass"),
            _python("-c", "import ringbench"),
            _python("-m", "ringbench.cli.main", "--help"),
            _python("-c", BEFORE_BOOT),
        )
    )
    yield Figure("startup.python", bare, "s")
    for name, seconds in (("import", imported), ("help", helped)):
        yield Figure(f"startup.{name}", seconds, "s", GOAL_SECONDS)
        yield Figure(f"startup.{name}.to_python", seconds / bare, "ratio")
    yield Figure("startup.frames.before_boot", looked - bare, "s", GOAL_LOOK_SECONDS)
    yield Figure("startup.frames.before_boot.to_python", looked / bare, "ratio")
