"""What a finding says: rule, call, arguments, expected, seen, and with whom it collides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from ringbench.config import Config, KernelConfig
from ringbench.engine.hunt.search import search
from ringbench.engine.runner import Runner
from tests.unit.contracts.fake import CONTRACTS, REGIONS, FakeSubject
from tests.unit.contracts.fake_kernel import Bug

CONFIG: Final = Config(KernelConfig(Path("kernel"), Path("kernel"), "> "), Path("ringbench.toml"))

HELD: Final = r"{0} \({1}\([^)]*\)( = 0x[0-9a-f]+)? of operation \d+\)"
"""How a finding tells of something that is out: its name, the call that got it, what it gave."""


def held(name: str, call: str) -> str:
    return HELD.format(name, call)


SAYS: Final = {
    Bug.DOUBLE_FREE_OVERLAPS: (
        "heap alloc b1 24; heap free b1; heap free-again b1; heap alloc b2 24; heap alloc b3 24",
        r"broken:disjoint kmalloc\(24\): expected memory that no other block has, seen "
        rf"0x\w+\.\.0x\w+, which has bytes of {held('b2', 'kmalloc')} with its 24 bytes",
    ),
    Bug.FREE_WRITES_BESIDE: (
        "heap alloc b1 24; heap alloc b2 24; heap free b1; heap free b2",
        rf"broken:contents before kfree\(0x\w+\): byte 0 of {held('b2', 'kmalloc')}: expected "
        "0x3b as it was written, seen another at 0x",
    ),
    Bug.EXACT_FIT_REFUSED: (
        "heap alloc b1 65520; heap alloc b2 65520; heap alloc b3 65520; heap alloc b4 65504; "
        "heap free b3; heap alloc b5 65520",
        rf"broken:freed kmalloc\(65520\): expected a block, for {held('b3', 'kmalloc')} of the "
        "same size was given back just before, seen that there is no memory",
    ),
    Bug.TWICE: (
        "frames run f1 2 4096; frames alloc f2",
        r"broken:once frame_alloc\(\): expected a frame that nobody has, seen 0x181000, which is "
        rf"of {held('f1', 'frames_alloc')}",
    ),
    Bug.GIVES_IMAGE: (
        "frames alloc f1",
        r"broken:image frame_alloc\(\): expected a frame that nobody uses, seen 0x110000, which "
        r"has main \(\.text\) of the kernel's image",
    ),
    Bug.GIVES_TABLE: ("frames alloc f1", r"seen 0x120000, which is a page table in use"),
    Bug.HEAP_HAS_A_FRAME: (
        "heap alloc b1 65520; heap alloc b2 65520; heap alloc b3 65520; heap alloc b4 65504; "
        "frames drain 0",
        r"broken:once frame_alloc\(\): expected a frame that nobody has, seen 0x17f000, in which "
        rf"the heap has {held('b4', 'kmalloc')}",
    ),
    Bug.MAP_AGAIN_REPLACES: (
        "frames alloc f1; frames alloc f2; pages map p1 0x400000 f1 rw; pages map-again p1 f2",
        r"broken:refused map_page\(0x400000, 0x181000, 0x8000000000000002\): expected that it is "
        rf"refused, for {held('p1', 'map_page')} is there, seen that not",
    ),
    Bug.REGION_OVERLAPS: (
        "regions alloc r1 8192 rw; regions alloc r2 4096 rw",
        r"broken:disjoint region_alloc\(4096, 0x8000000000000002\): expected addresses that nobody "
        rf"has, seen 0xc0000000\.\.0xc0001000, which has pages of {held('r1', 'region_alloc')}",
    ),
    Bug.REGION_TAKES_NEXT: (
        "regions alloc r1 4096 rw; regions alloc r2 4096 rw; regions free r1",
        r"broken:others region_free\(0xc0000000\): expected that it leaves others as they are, "
        rf"seen that 0xc0002000, of {held('r2', 'region_alloc')}, does not lead to its frame",
    ),
}
"""Wrong kernel -> operations, and what the finding has to say."""


@pytest.mark.parametrize("bug", [Bug.FREE_WRITES_BESIDE, Bug.TWICE])
def test_what_is_met_while_a_cause_is_made_smaller_is_no_other_cause(bug: Bug) -> None:
    """One bug is seen in several ways; those that parts of its sequence show are its faces."""
    failures = search(FakeSubject(bug=bug), CONFIG, 1, 600, chunks=2).failures
    assert any(failure.faces for failure in failures)
    for at, failure in enumerate(failures):
        assert not failure.faces & {later.key for later in failures[at + 1 :]}


@pytest.mark.parametrize("bug", SAYS, ids=lambda bug: str(bug.name).lower())
def test_a_finding_says_what_collides_with_what(bug: Bug) -> None:
    lines, words = SAYS[bug]
    subject = FakeSubject(REGIONS if lines.startswith("regions") else CONTRACTS, bug=bug)
    with Runner(subject, CONFIG) as runner:
        failure = runner.play([subject.parse(line) for line in lines.split("; ")])
    assert failure is not None
    assert re.search(words, str(failure.caught)), failure.caught
