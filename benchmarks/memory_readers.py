"""How fast is guest memory read, each way there is?

The mapped file is what the bench uses; gdb and QMP are independent ways to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.config import Config
from ringbench.machine import FileMemory, Machine

START = 1 << 20
LENGTH = 1 << 20
ROUNDS = {"mapped": 50, "dump": 50, "qmp": 10, "gdb": 5}


def measure(config: Config) -> Iterator[Figure]:
    """Yield MB/s of reads of 1 MiB, and how many times as long as the mapped file each takes."""
    with TemporaryDirectory() as folder, Machine.start(config) as machine, machine.stopped():
        machine.save_dump(Path(folder) / "dump")
        with FileMemory(Path(folder) / "dump") as dump:
            readers: dict[str, PhysicalMemory] = {
                "mapped": machine.memory,
                "dump": dump,
                "qmp": machine.reader("qmp"),
                "gdb": machine.reader("gdb"),
            }
            expected = machine.memory.read(START, LENGTH)
            assert all(reader.read(START, LENGTH) == expected for reader in readers.values())
            # A slow reader's turn would leave the quick ones cold caches: each by itself.
            times = {
                name: best_of([partial(reader.read, START, LENGTH)], ROUNDS[name])[0]
                for name, reader in readers.items()
            }
    for name, seconds in times.items():
        yield Figure(f"memory.{name}", LENGTH / seconds / 1e6, "MB/s")
        if name != "mapped":
            yield Figure(f"memory.{name}.to_mapped", seconds / times["mapped"], "ratio")
