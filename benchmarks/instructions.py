"""What do the kernel's operations cost, in instructions?

The kernel is booted with `perf=...` on its command line and measures itself (kernel/perf/). QEMU
counts instructions instead of time (`-icount shift=0,sleep=off`), so that every number is the same
on every machine and in every run, as long as the compiler is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.figure import Figure
from benchmarks.goals import goal_of
from ringbench.config import Config, override
from ringbench.errors import RingbenchError
from ringbench.machine import Machine

ICOUNT: Final = ("-icount", "shift=0,sleep=off")
BOOT_SECONDS: Final = 120.0
LINE: Final = re.compile(r"perf (?P<name>\S+)(?P<pairs>( \w+=\d+)+)")
END: Final = "perf end"


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot: the guest's memory, and which of the kernel's benchmarks run in it.

    Figures have the memory in their names if `named_after_memory`; a `chain` of heaps, which the
    kernel is told, always.
    """

    memory: str
    benchmarks: str
    named_after_memory: bool = False
    chain: str = ""


CHAINS: Final = ("list", "buddy", "slab+list", "slab+buddy")
BOOTS: Final = (
    Boot("16M", "frames,blocks", named_after_memory=True),
    Boot("1G", "frames,blocks", named_after_memory=True),
    Boot("64G", "frames,blocks", named_after_memory=True),
    Boot("512M", "slab,map,query,fault,space,clone,heap,buddy"),
    *(Boot("512M", "kmalloc", chain=chain) for chain in CHAINS),
)


def measure(config: Config, boots: tuple[Boot, ...] = BOOTS) -> Iterator[Figure]:
    """Boot, let the kernel measure, and yield every figure.

    Raises:
        RingbenchError: the kernel does not boot, or does not say what it was asked for.
    """
    for boot in boots:
        yield from figures(boot, run(config, boot))


def run(config: Config, boot: Boot) -> str:
    """What the kernel printed before its prompt."""
    changes = {
        "kernel.command_line": f"perf={boot.benchmarks} heap={boot.chain}",
        "machine.memory": boot.memory,
        "machine.arguments": [*config.machine.arguments, *ICOUNT],
        "deadlines.boot": max(config.deadlines.boot, BOOT_SECONDS),
    }
    with Machine.start(override(config, changes)) as machine:
        return machine.boot_text


def figures(boot: Boot, text: str) -> Iterator[Figure]:
    """The figures in what a kernel printed.

    Raises:
        RingbenchError: the last line is missing, or there is none for a benchmark asked for.
    """
    lines = [line.strip() for line in text.splitlines()]
    found = [match for line in lines if (match := LINE.fullmatch(line))]
    first_parts = {match["name"].partition(".")[0] for match in found}
    missing = {name.partition(".")[0] for name in boot.benchmarks.split(",")} - first_parts
    if END not in lines or missing:
        raise RingbenchError(
            f"perf={boot.benchmarks}: the kernel printed no figures for "
            f"{', '.join(sorted(missing)) or 'all of them'}; is it built from this tree?"
        )
    for match in found:
        pairs = {key: int(value) for key, value in _pairs(match["pairs"])}
        if pairs.get("calls"):
            yield from _costs(_full_name(boot, match["name"]), pairs)
    yield from _heap_values(boot, values_of(text))


def values_of(text: str) -> dict[str, int]:
    """Return the single values in what a kernel printed, by name."""
    found = (LINE.fullmatch(line.strip()) for line in text.splitlines())
    pairs = ((match["name"], dict(_pairs(match["pairs"]))) for match in found if match)
    return {name: int(values["value"]) for name, values in pairs if "value" in values}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split():
        key, _, value = pair.partition("=")
        yield key, value


def _full_name(boot: Boot, name: str) -> str:
    after = boot.memory if boot.named_after_memory else boot.chain
    first, _, rest = name.partition(".")
    return f"{first}.{after}.{rest}" if after else name


def _costs(name: str, pairs: dict[str, int]) -> Iterator[Figure]:
    yield _figure(f"{name}.mean", pairs["total"] / pairs["units"], "instructions")
    if pairs["units"] == pairs["calls"]:
        yield _figure(f"{name}.worst", pairs["worst"], "instructions")


def _heap_values(boot: Boot, values: dict[str, int]) -> Iterator[Figure]:
    for name, value in values.items():
        trace, _, what = name.rpartition(".")
        if what == "extent_peak":
            ratio = value / values[f"{trace}.live_peak"]
            yield _figure(f"{_full_name(boot, trace)}.footprint", ratio, "ratio")
        elif what == "nodes_left":
            yield _figure(name, value, "nodes")


def _figure(name: str, value: float, unit: str) -> Figure:
    return Figure(name, value, unit, goal_of(name))
