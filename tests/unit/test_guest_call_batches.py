"""Batches of guest calls as they are written for the stub, and the stub itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ringbench.drive.guest_calls import (
    Call,
    Check,
    Fill,
    Load,
    Probe,
    Result,
    Step,
    Store,
    layout,
    mailbox,
    probes,
)
from ringbench.drive.guest_calls.encoding import encode
from ringbench.drive.guest_calls.steps import Leave
from ringbench.machine.command import OWN_SIZE

PHYSICAL = 0xFE80_0000
STEP_SIZE = 80


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stub's object file, made of its source."""
    made = tmp_path_factory.mktemp("stub") / "stub.o"
    source = layout.STUB.with_suffix(".S")
    subprocess.run(["gcc", "-c", source, "-o", made], check=True)
    return made


def test_the_code_is_what_its_source_assembles_to(assembled: Path) -> None:
    plain = assembled.with_suffix(".bin")
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", assembled, plain], check=True)
    assert layout.STUB.read_bytes() == plain.read_bytes()
    assert len(plain.read_bytes()) <= layout.CONTROL - layout.CODE


def test_the_numbers_are_those_of_the_source(assembled: Path) -> None:
    listed = subprocess.run(["nm", assembled], check=True, capture_output=True, text=True).stdout
    numbers = {name: int(value, 16) for value, _, name in map(str.split, listed.splitlines())}
    places = {
        "CONTROL": layout.CONTROL,
        "RESULTS": layout.RESULTS,
        "STEPS": layout.STEPS,
        "own_gdt": probes.OWN_GDT,
        "own_idt": probes.OWN_IDT,
        "GDT": probes.GDT,
        "TSS": probes.TSS,
    }
    for name, place in places.items():
        assert numbers[name] == place - layout.CODE
    for name in ("PROGRAM_CODE", "PROGRAM_DATA", "PROGRAM_TASK"):
        assert numbers[name] == getattr(probes, name)
    assert numbers["ALIAS"] == OWN_SIZE
    assert numbers["vector"] == probes.VECTORS
    traps = probes.TRAPS - layout.CODE + probes.VECTORS * probes.TRAP_SIZE
    assert numbers["caught"] == traps
    for name in ("wanted", "count", "done", "interrupts", "fpu"):
        index = getattr(mailbox, name.upper())
        assert numbers[name] == numbers["CONTROL"] + 8 * index
    kinds: tuple[type[Step | Leave], ...] = (Call, Fill, Check, Load, Store, Leave, Probe)
    for kind in kinds:
        assert numbers[kind.__name__.upper()] == kind.kind
    assert numbers["STEP_SIZE"] == STEP_SIZE == len(encode([Leave()]))
    assert numbers["SKIPPED"] == mailbox.LEFT_OUT


def test_there_is_room_for_the_longest_batch() -> None:
    assert layout.RESULTS + 16 * layout.MOST_STEPS <= layout.STEPS
    assert layout.STEPS + STEP_SIZE * layout.MOST_STEPS <= OWN_SIZE


def words(encoded: bytes) -> list[int]:
    return [int.from_bytes(encoded[at : at + 8], "little") for at in range(0, len(encoded), 8)]


def test_a_call_is_written_with_its_arguments_and_what_means_none() -> None:
    [head, *rest] = words(encode([Call(0x1000, (1, -1), none=(0, -2))]))
    assert head == 2 << 16
    assert rest == [0x1000, 1, 2**64 - 1, 0, 0, 0, 0, 0, 2**64 - 2]


def test_results_are_marked_and_name_their_step() -> None:
    encoded = encode([Call(1), Call(2, (5, Result(0, -8))), Store(Result(1, 16), Result(0))])
    second, third = words(encoded[STEP_SIZE : 2 * STEP_SIZE]), words(encoded[2 * STEP_SIZE :])
    assert second[0] == 1 << 16 | 0b100 << 8
    assert second[3] == (-8 << 16) % 2**64
    assert third[0] == 0b11 << 8 | Store.kind
    assert third[1:3] == [16 << 16 | 1, 0]


def test_bytes_are_written_eight_times() -> None:
    assert words(encode([Fill(0x2000, 10, 0xA5)]))[:4] == [1, 0x2000, 10, 0xA5A5A5A5A5A5A5A5]


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ([Call(1, (1, 2, 3, 4, 5, 6, 7))], "step 0: a call has at most 6 arguments"),
        ([Call(1, none=(1, 2, 3))], "2 values that mean none"),
        ([Call(1), Call(1, (2**64,))], "step 1: 0x10000000000000000 does not fit in 64 bits"),
        ([Call(1, (-(2**63) - 1,))], "does not fit in 64 bits"),
        ([Call(1, (Result(0),))], "step 0 needs the result of step 0: of none before"),
        ([Call(1), Load(Result(-1))], "step 1 needs the result of step -1"),
        ([Call(1), Load(Result(0, 1 << 47))], "step 1: 0x800000000000 is too much to add"),
        ([Load(1)] * (layout.MOST_STEPS + 1), "16385 steps: a batch has at most 16384"),
    ],
)
def test_what_cannot_be_written_is_refused(steps: list[Step], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        encode(steps)


@pytest.mark.parametrize("made", [lambda: Fill(0, -1, 0), lambda: Check(0, 1, 256)])
def test_lengths_and_bytes_are_held_to_what_they_can_be(made: object) -> None:
    assert callable(made)
    with pytest.raises(ValueError, match="a length is not below 0, and a byte is 0 to 255"):
        made()


def root(*used: int) -> bytes:
    return b"".join(
        (0x1000 | 3 if slot in used else 0).to_bytes(8, "little") for slot in range(512)
    )


def test_the_window_is_where_kernels_have_nothing() -> None:
    found = layout.window(root(0, 255, 256, 511), PHYSICAL)
    assert found == layout.Window(187, PHYSICAL | 0x27)
    assert found is not None
    assert found.base == 187 << 39
    assert found.code == found.base + 0x2000
    assert found.addresses == range(found.base, found.base + OWN_SIZE)


def test_a_root_that_has_a_window_is_known() -> None:
    used = bytearray(root(0, 511))
    assert not layout.leads_to(bytes(used), PHYSICAL)
    used[187 * 8 : 188 * 8] = (PHYSICAL | 0x23).to_bytes(8, "little")
    assert layout.leads_to(bytes(used), PHYSICAL)


def test_the_upper_half_is_the_last_resort() -> None:
    found = layout.window(root(*set(range(512)) - {0, 300}), PHYSICAL)
    assert found is not None
    assert (found.slot, found.base) == (300, 0xFFFF_9600_0000_0000)


def test_an_entry_that_is_not_present_but_not_empty_is_in_use() -> None:
    swapped = bytearray(root(*set(range(512)) - {9}))
    swapped[9 * 8 + 7] = 1
    assert layout.window(bytes(swapped), PHYSICAL) is None


def test_entry_0_is_left_alone() -> None:
    assert layout.window(root(*range(1, 512)), PHYSICAL) is None
