"""Bits of a live kernel are flipped: what means something is caught, and its place named."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from ringbench.check.comparison import Comparison
from ringbench.check.mismatch import Finding
from ringbench.cli.main import run as ringbench
from ringbench.config import Config
from ringbench.errors import RingbenchError
from ringbench.machine import Machine
from ringbench.observe.processor import read_registers
from ringbench.subjects.reference.check import compare_spaces, inspector
from ringbench.subjects.reference.flips import run as run_module
from ringbench.subjects.reference.flips.prepare import prepare
from ringbench.subjects.reference.flips.result import FlipsResult, Verdict, judge
from ringbench.subjects.reference.flips.run import (
    VARIANTS,
    flip_many,
    flipped,
    flips_of,
    structures_of,
)
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import Flip, Structure
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.observe.scope import Noted, Scope, Short
from ringbench.subjects.reference.report.flips import flips_json

MANY = 800
EXHAUSTIVE = 12_000

STRUCTURES = {
    "pmm": {
        "free bits",
        "managed bits",
        "tree bottoms",
        "block counters",
        "block masks",
        "gaps in the metadata",
        "tree tops and middles",
        "allocator's variables",
    },
    "slab": {"slab caches", "headers of slabs", "free records", "RAM of slabs"},
    "paging": {
        "PML4 entries to a table",
        "PML4 entries unused",
        "PDPT entries to a table",
        "PDPT entries of a page",
        "PDPT entries unused",
        "PD entries to a table",
        "PD entries of a page",
        "PD entries unused",
        "PT entries of a page",
        "PT entries unused",
        "kernel root's address",
    },
    "object": {"first object", "objects", "nodes of objects"},
    "vmm": {"spaces", "regions", "current space"},
    "heap": {
        "node headers",
        "links of free nodes",
        "absorbed headers",
        "heads of free lists",
        "bitmaps of free lists",
        "heap's variables",
    },
    "buddy": {
        "heads of free blocks",
        "buddy's variables",
        "map of blocks",
        "links of free blocks",
    },
    "kmalloc": {"chain of heaps"},
    "task": {"task records", "current task"},
    "disk": {
        "disks",
        "unused records of disks",
        "queues of disks",
        "rest of the queues of disks",
    },
    "file": {"files", "unused records of files", "indices of files"},
    "machine": {
        "boot information",
        "command line",
        "modules",
        "unused boot information",
        "memory map",
        "processor's features",
        "lent bits",
        "rest of the lent bits' frames",
        "bare roots",
        "console's variables",
    },
}


def require_all_named(result: FlipsResult) -> None:
    """Every flip that means something was caught, with layer and place, in every structure."""
    assert result.missed == ()
    assert result.misnamed == ()
    seen: dict[str, set[str]] = {}
    for row in result.rows:
        seen.setdefault(row.layer, set()).add(row.structure)
    assert seen == STRUCTURES


@pytest.mark.timeout(600)
def test_flips_are_caught_and_named(ringbench_config: Config) -> None:
    result = flip_many(ringbench_config, seed=1, count=MANY)
    assert result.total.flips == MANY
    assert len(result.states) == len(VARIANTS)
    require_all_named(result)
    assert max(row.flips for row in result.rows) <= MANY // 30  # no structure gets most of them


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_thousands_of_flips_are_caught_and_named(
    ringbench_config: Config, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    result = flip_many(ringbench_config, seed=2, count=EXHAUSTIVE)
    text = json.dumps(flips_json(result), indent=2)
    (tmp_path / "flips.json").write_text(text)
    request.node.add_report_section("call", "flips", text)
    require_all_named(result)
    flips = {row.structure: row.flips for row in result.rows}
    assert min(flips.values()) > 100, flips
    assert all(fell for fell, _ in result.free_kinds.values())


@pytest.fixture
def prepared(machine: Machine) -> ReferenceLockstep:
    lockstep = ReferenceLockstep(ReferenceKernel(machine))
    with lockstep.kernel.channel("ring") as ring:
        prepare(lockstep, ring, Random(5))
    return lockstep


def site_of(lockstep: ReferenceLockstep) -> Site:
    kernel = lockstep.kernel
    with kernel.machine.stopped():
        boot = kernel.inspector.picture().boot
    types, layout = kernel.inspector.types, kernel.inspector.layout
    return Site(kernel.machine.memory, lockstep.state, types, layout, boot)


def verdicts(lockstep: ReferenceLockstep, flips: list[Flip]) -> list[Verdict]:
    machine, found = lockstep.kernel.machine, []
    with machine.stopped():
        cr3 = read_registers(machine).cr3
        for flip in flips:
            with flipped(machine.memory, flip):
                findings = list(lockstep.kernel.inspector.in_memory(lockstep.state, cr3))
            found.append(judge(flip, [each for one in findings for each in one.mismatches]))
    return found


def drawn(structure: Structure, count: int) -> list[Flip]:
    random = Random(6)
    return [flip for _ in range(count) if (flip := structure.draw(random)).must_be_caught]


def nothing(*_: object) -> Finding:
    return Finding("nothing", 0, [])


def all_but_the_root(
    tally: Comparison, what: str, expected: object, seen: object, where: str, show: object = str
) -> None:
    if what != "kernel's root" and expected != seen:
        tally.differs(what, str(expected), str(seen), where)


BLINDED: dict[str, tuple[object, str, object]] = {
    "absorbed headers": (inspector, "compare_absorbed", nothing),
    "command line": (inspector, "compare_kept", nothing),
    "PML4 entries unused": (compare_spaces, "_entries", nothing),
    "kernel root's address": (Comparison, "equal", all_but_the_root),
}
"""Structure -> what alone compares it."""


def test_what_is_not_compared_is_missed(
    prepared: ReferenceLockstep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flips find out a check that does not look."""
    structures = {each.name: each for each in structures_of(site_of(prepared))}
    for name, (place, function, blind) in BLINDED.items():
        flips = drawn(structures[name], 12)
        assert set(verdicts(prepared, flips)) == {Verdict.NAMED}, name
        with monkeypatch.context() as patched:
            patched.setattr(place, function, blind)
            found = set(verdicts(prepared, flips))
        assert Verdict.MISSED in found, name


def test_the_short_look_sees_what_the_whole_look_sees(prepared: ReferenceLockstep) -> None:
    """Flips of every structure, several each: the same mismatches, in the same order."""
    machine, state = prepared.kernel.machine, prepared.state
    inspector, random = prepared.kernel.inspector, Random(7)

    def mismatches(scope: Scope) -> list[str]:
        return [str(each) for one in inspector.in_memory(state, cr3, scope) for each in one[2]]

    structures = structures_of(site_of(prepared))
    with machine.stopped():
        cr3 = read_registers(machine).cr3
        noted = Noted()
        assert mismatches(noted) == []
        for flip in (each.draw(random) for _ in range(6) for each in structures):
            with flipped(machine.memory, flip):
                whole, short = mismatches(Scope()), mismatches(Short(noted, flip.address))
            assert short == whole, str(flip)


def test_flips_need_a_sound_kernel(prepared: ReferenceLockstep) -> None:
    """A guest that is wrong already would say of every flip that it is caught."""
    flip = next(iter(drawn(structures_of(site_of(prepared))[0], 1)))
    expected = pytest.raises(RingbenchError, match="a mismatch without a flip:\npmm: frame at")
    with prepared.kernel.machine.stopped(), flipped(prepared.kernel.machine.memory, flip), expected:
        list(flips_of(prepared.kernel, prepared.state, Random(1), 1))


def test_memory_is_as_before(prepared: ReferenceLockstep) -> None:
    """Each flip is put back, and the kernel goes on."""
    memory, ram = prepared.kernel.machine.memory, prepared.kernel.machine.ram
    with prepared.kernel.machine.stopped():
        before = [memory.read(piece.base, piece.length) for piece in ram.ranges]
        assert len(list(flips_of(prepared.kernel, prepared.state, Random(2), 45))) == 45
        assert [memory.read(piece.base, piece.length) for piece in ram.ranges] == before
    with prepared.kernel.channel("ring") as ring:
        prepared.drain(ring)


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_module, "VARIANTS", VARIANTS[1:3])
    file = tmp_path / "flips.json"
    assert ringbench(["flips", "--count", "50", "--seed", "4", "--json", str(file)]) == 0
    assert json.loads(file.read_text())["all"]["flips"] == 50
    assert "seed 4: 50 flips in 2 states" in capfd.readouterr().out
    assert ringbench(["flips", "--memory", "16M"]) == 2


def test_a_missed_flip_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inspector, "compare_absorbed", nothing)
    monkeypatch.setattr(run_module, "VARIANTS", VARIANTS[:1])
    assert ringbench(["flips", "--count", "45"]) == 1
    assert "MISSED: absorbed headers: bit" in capfd.readouterr().out


def test_another_kernel_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.toml"
    file.write_text('[kernel]\nelf = "other.elf"\n')
    assert ringbench(["flips", "--config", str(file)]) == 2
    assert "other.toml: kernel.subject is not 'reference'" in capfd.readouterr().err
