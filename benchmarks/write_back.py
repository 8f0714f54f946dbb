"""How much of the bare disk driver's throughput does writing a file back have?

The kernel measures both in turn, by its time-stamp counter: requests of 64 pages, each followed by
a flush, to the same sectors.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Figure
from benchmarks.instructions import Boot, figures, values_of
from ringbench.config import Config, override
from ringbench.machine import Machine

GOAL = 0.7
PAGES = 64
MEMBER = "perf.bin"
BOOT = Boot("64M", "write_back")


def measure(config: Config) -> Iterator[Figure]:
    """Yield the ratio of the two throughputs."""
    with TemporaryDirectory() as folder:
        archive = Path(folder) / "data.tar"
        with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
            info = tarfile.TarInfo(MEMBER)
            info.size = PAGES * 4096
            tar.addfile(info, io.BytesIO(bytes(info.size)))
        changes = {
            "kernel.command_line": f"perf={BOOT.benchmarks}",
            "machine.disks": [f"{archive} virtio serial=data"],
        }
        with Machine.start(override(config, changes)) as machine:
            text = machine.boot_text
    list(figures(BOOT, text))  # that the kernel said all it was asked for
    values = values_of(text)
    bare, file = (values[f"write_back.{PAGES}.{what}"] for what in ("bare", "file"))
    yield Figure("disk.write_back.to_bare", bare / file, "ratio", GOAL, "at least")
