"""How a mutant is hunted: what the bench has, cheapest first, until something catches it.

Each stage takes the configuration of a kernel, counts the operations that it performs, and returns
how the kernel was caught, if it was. All run in a process of their own (`campaign`), so that a
bench that hangs or breaks on a wrong kernel ends one mutant and not the campaign.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import benchmarks.baseline
from benchmarks import instructions
from ringbench.config import Config, load, override
from ringbench.engine.caught import Caught
from ringbench.engine.hunt.search import search
from ringbench.engine.lockstep import Diverged, Lockstep
from ringbench.engine.run import Options, Workload, run
from ringbench.engine.starve import starve
from ringbench.errors import MachineError, RingbenchError
from ringbench.subject import Case
from ringbench.subjects.reference.boots import hunt_boots
from ringbench.subjects.reference.subject import REFERENCE, Reference
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.file import (
    FileClose,
    FileOpen,
    FileRead,
    FileWrite,
)
from ringbench.subjects.reference.workload import giant_nodes
from tests.mutants.tree import build
from tests.places import ROOT

DEADLINES: Final[dict[str, object]] = {"deadlines.boot": 30, "deadlines.reply": 20}
"""Seconds; a kernel that hangs is caught when they are over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one stage, or all of them, made of a mutant.

    Attributes:
        stage: which stage caught it; the last one if none did.
        check: what it saw, in one line; empty if nothing.
        operations: performed until then, those of earlier stages included.
        broken: the traceback if the bench itself broke; then it counts as not caught.
    """

    stage: str
    check: str
    operations: int
    broken: str = ""

    @property
    def caught(self) -> bool:
        """Whether the bench saw that the kernel is wrong."""
        return bool(self.check)


class Count:
    """Operations so far, kept where an exception does not lose them."""

    def __init__(self) -> None:
        self.operations = 0


Stage = Callable[[Config, Count], Caught | None]


def run_stage(
    options: Options, changes: dict[str, object] | None = None, extreme: float | None = None
) -> Stage:
    """`ringbench run`: a seeded workload in lockstep with the model.

    `extreme` is the share of its steps that go for an extreme, if not the usual one.
    """
    subject = Reference() if extreme is None else Reference(extreme=extreme)

    def stage(config: Config, count: Count) -> Caught | None:
        before = count.operations
        phases: dict[str, int] = {}

        def progress(phase: str, done: int, total: int) -> None:
            phases[phase] = done
            count.operations = before + sum(phases.values())

        result = run(subject, override(config, changes or {}), options, progress)
        count.operations = before + result.operations
        if result.passed:
            return None
        return Caught("run", result.operations, result.mismatches)

    return stage


def _mixed(seed: int, console: Workload, ring: Workload, gdb: Workload | None = None) -> Options:
    """A workload of all layers."""
    workloads = {"console": console, "ring": ring}
    return Options(seed, workloads if gdb is None else workloads | {"gdb": gdb})


def _ring(seed: int, operations: int, *layers: str) -> Options:
    """A workload that goes through the ring but for a start by the console."""
    workloads = {"console": Workload(100, 100), "ring": Workload(operations, 2500)}
    return Options(seed, workloads, layers)


def hostile_boots(first: int, boots: int, changes: dict[str, object] | None = None) -> Stage:
    """Boots on generated memory maps, from a number on; each counts as an operation."""

    def stage(config: Config, count: Count) -> Caught | None:
        there = override(config, changes or {})
        result = hunt_boots(there, seed=1, first=first, count=boots, until_caught=True)
        assert not result.given_up, result.given_up
        count.operations += result.boots
        return next(iter(result.caught), None)

    return stage


def giants(config: Config, count: Count) -> Caught | None:
    """Heap nodes of a GiB each, which become one of more than four; takes 6 GiB of memory."""
    there = override(config, {"machine.memory": "8G", "deadlines.reply": 180})
    with closing(REFERENCE.start(there)) as kernel:
        lockstep = Lockstep(REFERENCE, kernel)
        with suppress(Diverged), kernel.channel("ring") as ring:
            for operation in giant_nodes(Random(1), lockstep.state):
                lockstep.step(ring, operation)
                count.operations += 1
            lockstep.drain(ring)
    return (
        Caught("giants", lockstep.steps, tuple(lockstep.mismatches))
        if lockstep.mismatches
        else None
    )


def starved(config: Config, count: Count) -> Caught | None:
    """Every allocation of every operation fails once."""
    result = starve(REFERENCE, config, stop=True)
    assert not result.given_up, result.given_up
    count.operations += result.operations
    return next(iter(result.caught), None)


def starved_disks(config: Config, count: Count) -> Caught | None:
    """Every request to a disk of every operation that makes some fails once."""
    cases = [case for case in REFERENCE.cases if case.name.startswith("disk:")]
    there = override(config, {"machine.disks": DISKS})
    result = starve(REFERENCE, there, cases=cases, stop=True)
    assert not result.given_up, result.given_up
    count.operations += result.operations
    return next(iter(result.caught), None)


def _with_archive(config: Config) -> Config:
    """The configuration with two disks, on one the archive that `make bench` has."""
    archive = config.source.parent / "build/data.tar"
    disks = [f"{archive} virtio serial=data", DISKS[-1]]
    return override(config, {"machine.disks": disks})


def files_run(config: Config, count: Count) -> Caught | None:
    """A workload of files, disks and regions, with an archive."""
    return run_stage(_ring(24, 3000, "file", "disk", "vmm"))(_with_archive(config), count)


def starved_files(config: Config, count: Count) -> Caught | None:
    """Every frame and every request that an operation on files takes fails once."""
    there = _with_archive(config)
    cases: tuple[Case[Operation], ...] = (
        Case("read", (), FileOpen("kernel/pmm/runs.c")),
        Case("fill", (FileOpen("kernel/pmm/runs.c"),), FileRead("f0", 4090, 12)),
        Case("close", (FileOpen("kernel/pmm/runs.c"), FileWrite("f0", 9, b"x")), FileClose("f0")),
    )
    result = starve(REFERENCE, there, cases=cases, stop=True)
    assert not result.given_up, result.given_up
    count.operations += result.operations
    return next(iter(result.caught), None)


def stateful(seed: int, chunks: int, changes: dict[str, object] | None = None) -> Stage:
    """Sequences that hypothesis and the explorer make, `chunks` times ten."""

    def stage(config: Config, count: Count) -> Caught | None:
        there = override(config, changes or {})
        result = search(REFERENCE, there, seed, HUNT, chunks=chunks, shrink=False)
        assert not result.given_up, result.given_up
        count.operations += result.operations
        return next(iter(result.caught), None)

    return stage


def multiboot2(config: Config, count: Count) -> Caught | None:
    """A short run of the kernel as GRUB boots it from the ISO."""
    tree = config.source.parent
    build(tree, "iso")
    iso = override(config, {"kernel.image": str(tree / "build/ringbench.iso")})
    return run_stage(_mixed(9, Workload(50, 50), Workload(500, 500)))(iso, count)


def system_tests(config: Config, count: Count) -> Caught | None:
    """The kernel's own tests, in the mutant's tree, up to the first that fails."""
    tree = config.source.parent
    for name in ("tests", "benchmarks"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", tree)
    build(tree, "host-library", "iso")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PYTEST, *TESTS],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if failed is None:
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}")
    return Caught("tests", 0, ending=failed[1])


def instruction_counts(config: Config, count: Count) -> Caught | None:
    """What each operation costs, which must not have grown: for what is right but slow."""
    baseline = benchmarks.baseline.load()
    figures = list(instructions.measure(config))
    compiler = benchmarks.baseline.compiler_of(config.kernel.elf)
    grown = [str(each) for each in benchmarks.baseline.grown(baseline, figures, compiler)]
    return Caught("instructions", 0, ending=grown[0]) if grown else None


HUNT: Final = 600.0
"""Seconds of a hunt, at most: what is asked for is a number of sequences."""

PYTEST: Final = ("-x", "-q", "-p", "no:cacheprovider", "--timeout=1200")
"""A test that a busy machine makes late is not one that a wrong kernel fails."""

TESTS: Final = (
    "tests/system",
    "tests/unit/reference/test_memory_map.py",
    "tests/unit/reference/test_memory_map_multiboot.py",
    "tests/unit/reference/test_string.py",
)

DISKS: Final = ["1M virtio serial=data", "4M virtio serial=swap"]
"""Two disks of zeros."""

SPLIT: Final = {"machine.arguments": ["-machine", "max-ram-below-4g=24M"]}
"""Hardly any memory below 4 GiB: all but the first frames that are taken lie above."""

STAGES: Final[dict[str, Stage]] = {
    "run": run_stage(_mixed(1, Workload(500, 250), Workload(10_000, 2000), Workload(60, 250))),
    "run disks": run_stage(_ring(24, 3000, "disk", "vmm", "task"), {"machine.disks": DISKS}),
    "run files": files_run,
    "run objects": run_stage(_ring(25, 6000, "object", "vmm", "task")),
    "run modules": run_stage(
        _mixed(2, Workload(50, 50), Workload(1000, 1000)),
        {
            "kernel.modules": ["Makefile first", "kernel/main.c second"],
            "kernel.command_line": "a=b",
            "machine.memory": "6G",
            "machine.cpu": "max,-pdpe1gb",
        },
    ),
    "run pmm": run_stage(_ring(3, 10_000, "pmm"), {"machine.memory": "16M"}),
    "run heap": run_stage(_ring(4, 20_000, "heap")),
    "run vmm": run_stage(_ring(5, 10_000, "vmm", "task")),
    "run paging": run_stage(_ring(6, 10_000, "paging"), {"machine.cpu": "max,-pdpe1gb"}),
    "run 16M": run_stage(_ring(7, 15_000), {"machine.memory": "16M"}),
    "run 6G": run_stage(_ring(8, 15_000), {"machine.memory": "6G"}),
    # 10,985 blocks, whose records take 352 pages and 8 bytes: a byte less is a page less.
    "run pmm 20G": run_stage(_ring(9, 3000, "pmm"), {"machine.memory": "20946M"}),
    "run 36 bits": run_stage(_ring(10, 3000), {"machine.cpu": "max,phys-bits=36"}),
    "run 52 bits": run_stage(_ring(11, 3000), {"machine.cpu": "max,phys-bits=52"}),
    "run qemu64": run_stage(_ring(12, 3000), {"machine.cpu": "qemu64"}),
    "run crowds": run_stage(_ring(23, 6000, "paging", "vmm", "task"), extreme=1 / 150),
    "run split": run_stage(
        _ring(14, 3000, "pmm", "paging", "vmm", "task"),
        {"machine.memory": "9G", **SPLIT},
        extreme=1 / 100,
    ),
    "boots": hostile_boots(0, 300),
    "more boots": hostile_boots(300, 1200),
    "boots 36 bits": hostile_boots(1500, 75, {"machine.cpu": "max,phys-bits=36"}),
    "iso": multiboot2,
    "giants": giants,
    "starve": starved,
    "starve disks": starved_disks,
    "starve files": starved_files,
    "hunt": stateful(1, 6),
    "hunt 16M": stateful(2, 6, {"machine.memory": "16M"}),
    "instructions": instruction_counts,
    "tests": system_tests,
}
"""In the order in which they are tried."""

BOOTS_FIRST: Final = ("run", "run modules", "boots", "more boots", "iso")


def in_order(names: Sequence[str], layers: Sequence[str]) -> list[str]:
    """The stages of these names as they are tried on a mutant of some layers.

    A mistake in the memory map meets the hostile boots first, and more of them.
    """
    if "memmap" in layers:
        return sorted(names, key=lambda name: (name not in BOOTS_FIRST, list(STAGES).index(name)))
    return [name for name in STAGES if name in names and name != "more boots"]


def hunt(tree: Path, stages: dict[str, Stage] = STAGES) -> Iterator[Outcome]:
    """Run the stages on the kernel that was built in `tree`, up to the first that catches it.

    Yields an outcome at the end of each, the last one final.
    """
    config = override(load(tree / "ringbench.toml"), DEADLINES)
    count = Count()
    for name, stage in stages.items():
        broken = ""
        try:
            caught = stage(config, count)
        except MachineError as error:
            caught = Caught.by_ending(name, count.operations, error)
        except RingbenchError as error:
            caught = Caught(name, count.operations, ending=str(error).splitlines()[0])
        except Exception:  # noqa: BLE001  # whatever it is, it is this mutant's result
            caught, broken = None, traceback.format_exc()
        check = "" if caught is None else describe(caught)
        yield Outcome(name, check, count.operations, broken)
        if caught or broken:
            return


def describe(caught: Caught) -> str:
    """Layer and what, or how the machine ended, in one line."""
    if not caught.mismatches:
        return caught.ending
    first = caught.mismatches[0]
    return f"{first.layer}: {first.what}"
