"""Guests and dumps, damaged at random: a picture is taken, checked and printed all the same.

What hostile guests cost is measured in tests/unit/reference/picture/test_hostile.py.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from ringbench.arch.x86_64.bulk import decode
from ringbench.arch.x86_64.entry import P, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.levels import levels_of
from ringbench.arch.x86_64.walk import translate
from ringbench.debuginfo.dwarf import Types
from ringbench.engine.lockstep import Diverged
from ringbench.machine import Machine
from ringbench.machine.memory import FileMemory
from ringbench.observe.page_findings import findings
from ringbench.observe.page_selection import Selection
from ringbench.observe.processor import read_registers
from ringbench.report.pages import PageList, json_lines, pages_json, pages_table
from ringbench.report.translation import translation_json, translation_table
from ringbench.subjects.reference.check.compare import compare
from ringbench.subjects.reference.check.invariants import check_invariants
from ringbench.subjects.reference.check.ownership import owners
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.lockstep import ReferenceLockstep
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.report.frames import frames_json, frames_table
from ringbench.subjects.reference.report.heap import heap_json, heap_table
from ringbench.subjects.reference.report.spaces import spaces_json, spaces_table
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc
from ringbench.subjects.reference.vocabulary.operations.task import TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import VmAlloc
from tests.fuzz.mutate import Tally, in_place, mutated
from tests.unit.reference.picture.conftest import sound_state
from tests.unit.reference.picture.guest import SIZE, TASK_ROOT, Guest, compiled, made

Record = Callable[[str, object], None]

FRAMES = (256, 257, 300, *range(512, 522), *range(522, 539))
"""Of the guest that is not run: its variables, its structures, its page tables."""


def see(picture: Picture) -> None:
    """Do all that the commands do with a picture."""
    console = Console(file=io.StringIO(), width=120)
    claimed = owners(picture)
    check_invariants(picture)
    for table in (
        frames_table(picture, claimed, ranges=True),
        heap_table(picture.heap),
        spaces_table(picture),
    ):
        console.print(table)
    for data in (frames_json(picture, claimed), heap_json(picture.heap), spaces_json(picture)):
        json.dumps(data)


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("guest"))


def test_a_guest_damaged_at_random(elf: Path, share: int, record_property: Record) -> None:
    """Bytes of its structures and tables, and pointers to other places of its own."""
    types, tally = Types.load(elf), Tally("guest")
    sound = made(elf, types, bytearray(SIZE)).memory
    for random in tally.randoms(60 * share):
        guest = Guest(types, bytearray(sound))
        for _ in range(random.choice((1, 2, 10, 60))):
            damage_frame(guest.memory, random)

        def look(guest: Guest = guest) -> None:
            picture = guest.picture()
            compare(picture, sound_state())
            see(picture)

        tally.attempt(look)
    record_property("summary", str(tally))


def damage_frame(memory: bytearray, random: Random) -> None:
    """Change some bytes of a frame that means something, or let a word point elsewhere."""
    start = random.choice(FRAMES) << 12
    if random.random() < 0.5:
        in_place(memory, random, start, start + 4096)
        return
    words = [at for at in range(start, start + 4096, 8) if memory[at : at + 8] != bytes(8)]
    if words:
        at, other = random.choice(words), random.choice(FRAMES) << 12
        there = other + random.randrange(512) * 8
        value = random.choice(
            (
                int.from_bytes(memory[there : there + 8], "little"),
                0xFFFF800000000000 + there,
                there | P | W,
                random.getrandbits(64),
            )
        )
        memory[at : at + 8] = value.to_bytes(8, "little")


def test_a_live_guest_damaged_at_random(
    machine: Machine, share: int, record_property: Record
) -> None:
    """The whole check of a run, on a kernel whose memory is not what it was."""
    kernel = ReferenceKernel(machine)
    lockstep, tally = ReferenceLockstep(kernel), Tally("live")
    channel = kernel.channel("console")
    for operation in (TaskNew(), VmAlloc("t1", 0x3000, "anonymous", 3), HeapAlloc(100)):
        lockstep.step(channel, operation)
    inspector, state = kernel.inspector, lockstep.state
    with machine.stopped():
        cr3 = read_registers(machine).cr3
        places = [
            *state.tables,
            state.pmm.metadata_base,
            *(frame for cache in state.caches.values() for frame in cache.slabs),
            *(
                translate(machine.memory, cr3, inspector.types.locate(path).address).paddr or 0
                for path in ("pmm", "kernel_space", "heap", "console", "boot_info", "current_task")
            ),
        ]
        for random in tally.randoms(25 * share):
            place = random.choice(places) & -4096
            before = machine.memory.read(place, 4096)
            part = mutated(before, random)[:4096].ljust(4096, b"\0")
            machine.memory.write(place, part)

            def look() -> None:
                list(inspector.in_memory(state, cr3))

            tally.attempt(look)
            machine.memory.write(place, before)
    try:
        lockstep.glance("when all is put back")
    except Diverged as error:
        raise AssertionError(error) from error
    record_property("summary", str(tally))


def test_a_dump_damaged_at_random(
    tmp_path: Path, elf: Path, share: int, record_property: Record
) -> None:
    """`pages` and `translate` read dumps of any guest; also cut ones, and roots that are none."""
    sound = bytes(made(elf, Types.load(elf), bytearray(SIZE)).memory)
    path, tally = tmp_path / "dump", Tally("dump")
    console = Console(file=io.StringIO(), width=120)
    for random in tally.randoms(40 * share):
        memory = bytearray(sound)
        for _ in range(random.choice((1, 5, 50))):
            damage_frame(memory, random)
        del memory[random.choice((len(memory), random.randrange(1, len(memory)))) :]
        path.write_bytes(memory)
        root = random.choice((TASK_ROOT, random.randrange(SIZE) & -4096))
        features = Features(random.choice((36, 52)), gib_pages=random.random() < 0.5)

        def look(root: int = root, features: Features = features, random: Random = random) -> None:
            with FileMemory(path) as dump:
                features = replace(features, levels=levels_of(dump, root))
                space = decode(dump, root, features, 20_000, fold=True)
                found = findings(space, space.leaves, (), [(0, SIZE)])
                each = random.random() < 0.5
                pages = PageList(space, Selection(), space.leaves, found, each)
                console.print(pages_table(pages))
                for _ in json_lines(pages_json(pages)):
                    pass
                walk = translate(dump, root, random.getrandbits(64), features)
                console.print(translation_table(walk))
                json.dumps(translation_json(walk))

        tally.attempt(look)
    record_property("summary", str(tally))
