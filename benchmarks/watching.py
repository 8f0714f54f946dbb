"""How much longer does guest-bound work take while its accesses to memory are watched?

The kernel's own benchmarks of its page tables and its heap, millions of operations from the boot
on, with the plugin and without it in turn. QEMU is one whose plugins see registers, if there is
one: the configured one, or the one that the set-up has unpacked.

    .venv/bin/python -m benchmarks.watching

It is not one of `make perf`, for it takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.figure import Figure
from benchmarks.timing import best_of
from ringbench.config import Config, load, override
from ringbench.config.watch import SANITIZERS
from ringbench.machine import Machine
from ringbench.microscope.programs import REGISTERS, interface_of, unpacked_qemu

GOAL = 4.0
WORK = "map,query,fault,space,heap"
MEMORY = "512M"
BOOT_SECONDS = 600.0
ROUNDS = 3


def measure(config: Config) -> Iterator[Figure]:
    """Yield, for each instrument and for all of them, how many times as long the work takes."""
    changes: dict[str, object] = {
        "kernel.command_line": f"perf={WORK}",
        "machine.memory": MEMORY,
        "machine.log_exceptions": False,
        "deadlines.boot": BOOT_SECONDS,
    }
    newer = unpacked_qemu()
    if interface_of(config.machine.qemu) < REGISTERS and newer is not None:
        changes["machine.qemu"] = newer
    config = override(config, changes)
    watches = ("writes", *SANITIZERS, "all")
    boots = [partial(boot, override(config, {"machine.watch": each})) for each in watches]
    alone, *watched = best_of([partial(boot, config), *boots], rounds=ROUNDS)
    for name, seconds in zip(watches, watched, strict=True):
        goal = GOAL if name == "all" else None
        yield Figure(f"watch.{name}.to_unwatched", seconds / alone, "ratio", goal)


def boot(config: Config) -> None:
    """Have a kernel do all of it."""
    with Machine.start(config):
        pass


if __name__ == "__main__":
    for figure in measure(load()):
        print(f"{figure.name:36} {figure.value:.2f}")
