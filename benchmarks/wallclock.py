"""What is measured with a clock: the list.

A question is one file with a function `measure(config)` that yields figures (times: `timing`);
MEASUREMENTS is all of them, in the order of the table. A machine shared with others makes every
time a guess, so a figure is a ratio of two things timed in turn within one run, wherever there is
a thing to compare with. No figure from here ever fails a build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from benchmarks import (
    big_memory,
    channels,
    flips,
    gdb_latency,
    guest_calls,
    host_time,
    memory_readers,
    page_list,
    page_tables,
    restore,
    startup,
    waiting,
    write_back,
)
from benchmarks.figure import Figure
from ringbench.config import Config

Measurement = Callable[[Config], Iterable[Figure]]

MEASUREMENTS: Final[tuple[Measurement, ...]] = (
    startup.measure,
    restore.measure,
    page_tables.measure,
    page_list.measure,
    gdb_latency.measure,
    memory_readers.measure,
    channels.measure,
    waiting.measure,
    big_memory.measure,
    flips.measure,
    host_time.measure,
    guest_calls.measure,
    write_back.measure,
)
