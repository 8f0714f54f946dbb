"""What an access leaves behind, against the manual's words (Intel SDM 3A 4.8), and in bulk."""

from itertools import product
from random import Random

import numpy as np
import pytest

from ringbench.arch.x86_64.access import AccessKind, PageFault
from ringbench.arch.x86_64.address import compose
from ringbench.arch.x86_64.entry import NX, PS, A, D, P, U, W
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.outcome import Controls, EntryAfter, Outcome, outcome
from ringbench.arch.x86_64.outcome_bulk import NO_FAULT, Accesses, outcomes
from ringbench.arch.x86_64.vectors import PageFaultCode
from ringbench.arch.x86_64.walk import translate

FRAME = 0x9000
VIRTUAL = compose(3, 1, 4, 1, 0x592)
OPEN = P | W | U | A


class Walked:
    """Memory that is read once, for one walk: four entries, wherever the tables are said to be."""

    def __init__(self, entries: tuple[int, ...]) -> None:
        self._entries = iter(entries)

    def read(self, paddr: int, length: int) -> bytes:
        return next(self._entries).to_bytes(length, "little")


def chain(*flags: int, frame: int = FRAME) -> tuple[int, ...]:
    """Entries with these flags, PML4E first, the last of them to a frame."""
    made = [flag | 0x1000 for flag in flags]
    made[-1] = flags[-1] | frame
    return (*made, *[0] * (4 - len(made)))


def one(
    entries: tuple[int, ...],
    kind: AccessKind = AccessKind.READ,
    *,
    user: bool = False,
    controls: Controls = Controls(),  # noqa: B008 - a value
    features: Features = Features(),  # noqa: B008
) -> Outcome:
    features = Features(features.physical_bits, features.gib_pages, controls.nxe)
    walk = translate(Walked(entries), 0x1000, VIRTUAL, features)
    return outcome(walk, kind, user=user, controls=controls)


def test_an_access_that_passes_sets_accessed_everywhere_and_a_write_dirty_in_the_leaf() -> None:
    entries = chain(P | W, P | W, P | W, P | W)
    read = one(entries)
    assert read.fault is None
    assert read.paddr == FRAME + 0x592
    assert read.entries == tuple(EntryAfter(raw | A) for raw in entries)
    write = one(entries, AccessKind.WRITE)
    assert [after.certain for after in write.entries[:3]] == [raw | A for raw in entries[:3]]
    assert write.entries[3] == EntryAfter(entries[3] | A | D)


@pytest.mark.parametrize("flags", [(P, P | PS), (P, P, P | PS)])
def test_only_the_leaf_of_a_large_page_becomes_dirty(flags: tuple[int, ...]) -> None:
    entries = chain(*(flag | W for flag in flags), frame=0)
    after = one(entries, AccessKind.WRITE).entries
    assert [entry.certain for entry in after[:-1]] == [raw | A for raw in entries[: len(flags) - 1]]
    assert after[-1] == EntryAfter(entries[len(flags) - 1] | A | D)


def test_a_refused_access_may_set_accessed_and_nothing_else() -> None:
    entries = chain(OPEN, P | W | U, P | W | U, P)
    refused = one(entries, AccessKind.WRITE)
    assert isinstance(refused.fault, PageFault)
    assert refused.paddr is None
    assert refused.entries[0] == EntryAfter(entries[0])
    assert refused.entries[1:] == tuple(EntryAfter(raw, open=A) for raw in entries[1:])


@pytest.mark.parametrize("stop", [W | U, P | W | 1 << 51, P | W | NX])
def test_an_entry_without_a_translation_stays_as_it_is(stop: int) -> None:
    entries = chain(P | W, P | W, stop, P | W)
    stopped = one(
        entries, AccessKind.WRITE, controls=Controls(nxe=False), features=Features(physical_bits=40)
    )
    assert stopped.fault is not None
    assert stopped.entries == (
        EntryAfter(entries[0], open=A),
        EntryAfter(entries[1], open=A),
        EntryAfter(entries[2]),
    )


def test_open_bits_may_differ_and_no_others() -> None:
    after = EntryAfter(P | W, open=A)
    assert after.allows(P | W)
    assert after.allows(P | W | A)
    assert not after.allows(P | W | D)
    assert not after.allows(P)


def test_controls_have_names() -> None:
    assert str(Controls()) == "CR0.WP EFER.NXE"
    assert str(Controls(False, False)) == "none"


SHARES = (
    (0.95, (P,)),
    (0.75, (W, U)),
    (0.5, (A, D, 1 << 8, 1 << 9)),
    (0.3, (PS,)),
    (0.1, (NX, 1 << 12)),
    (0.02, (1 << 13, 1 << 20, 1 << 29, 1 << 36, 1 << 40, 1 << 51)),
)
"""How often random entries have which bits: they go on often enough for all levels to decide."""


def some_entry(chance: Random) -> int:
    flags = sum(bit for share, bits in SHARES for bit in bits if chance.random() < share)
    return flags | chance.randrange(32) << 30


@pytest.mark.parametrize("features", [Features(36), Features(40), Features(52, gib_pages=False)])
@pytest.mark.parametrize("user", [False, True])
@pytest.mark.parametrize("kind", AccessKind)
def test_in_bulk_as_one_by_one(kind: AccessKind, user: bool, features: Features) -> None:
    chance = Random(f"{kind} {user} {features}")
    faults = 0
    for controls in map(Controls._make, product((False, True), repeat=5)):
        walks = [tuple(some_entry(chance) for _ in range(4)) for _ in range(25)]
        faults += compare(walks, kind, user, controls, features)
    assert 200 < faults < 790  # of 800


def compare(
    walks: list[tuple[int, ...]],
    kind: AccessKind,
    user: bool,
    controls: Controls,
    features: Features,
) -> int:
    """Hold both ways against each other; return how many of these accesses fault."""
    n = len(walks)
    made = outcomes(
        Accesses(
            entries=np.array(walks, np.uint64),
            vaddr=np.full(n, VIRTUAL, np.uint64),
            write=np.full(n, kind is AccessKind.WRITE),
            fetch=np.full(n, kind is AccessKind.EXECUTE),
            user=np.full(n, user),
            controls=controls,
            features=features,
        )
    )
    for number, entries in enumerate(walks):
        single = one(entries, kind, user=user, controls=controls, features=features)
        code = NO_FAULT if single.fault is None else int(single.fault.code)
        assert made.code[number] == code
        assert made.paddr[number] == (single.paddr or 0)
        rest = [EntryAfter(raw) for raw in entries[len(single.entries) :]]
        assert [
            EntryAfter(int(certain), int(open_))
            for certain, open_ in zip(made.certain[number], made.open[number], strict=True)
        ] == [*single.entries, *rest]
    return int(np.count_nonzero(made.code != NO_FAULT))


def test_a_reserved_bit_comes_with_present() -> None:
    assert one(chain(P | PS, P, P, P)).fault == PageFault(
        VIRTUAL, PageFaultCode.P | PageFaultCode.RSVD
    )
