"""How long do the kernel's frames take on a processor, where instructions do not all cost the same?

The same sources compiled for this machine, against glibc's malloc in the same process. Exact counts
say nothing of that: one instruction on a bit of an array in memory costs what ten others do.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from ringbench.config import Config

HERE = Path(__file__).parent
KERNEL = HERE.parent / "kernel"
SOURCES = (HERE / "host_frames.c", KERNEL / "pmm/frames.c", KERNEL / "pmm/runs.c")
FLAGS = ("-std=gnu17", "-O2", "-Wall", "-Wextra", "-I", KERNEL)


def measure(_config: Config) -> Iterator[Figure]:
    """Yield nanoseconds of malloc and free, and what parts of them the frames' calls take."""
    with tempfile.TemporaryDirectory(prefix="ringbench-") as folder:
        program = Path(folder, "frames")
        subprocess.run(["gcc", *FLAGS, *SOURCES, "-o", program], check=True)
        printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    lines = (line.split() for line in printed.splitlines())
    times = {name: (float(alloc), float(free)) for name, alloc, free in lines}
    malloc, free = times.pop("malloc")
    yield Figure("host.malloc", malloc, "ns")
    yield Figure("host.free", free, "ns")
    for used, (taking, giving) in times.items():
        yield Figure(f"host.frames.{used}.alloc.to_malloc", taking / malloc, "ratio")
        yield Figure(f"host.frames.{used}.free.to_free", giving / free, "ratio")
