"""The parts of the hunt that need no machine: scripts, corpus, mistakes, reduction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbench.arch.x86_64.features import Features
from ringbench.check.mismatch import Mismatch
from ringbench.config import load
from ringbench.engine.caught import Caught
from ringbench.engine.hunt.byte_random import LENGTH, ByteRandom
from ringbench.engine.hunt.corpus import Corpus
from ringbench.engine.reduce import reduce
from ringbench.engine.runner import Failure, Operations
from ringbench.engine.script import (
    Script,
    failure_script,
    machine_words,
    parse_script,
    read_script,
    with_machine,
)
from ringbench.errors import ConfigError
from ringbench.subject import Unpredictable
from ringbench.subjects.reference.model.kernel import boot, perform
from ringbench.subjects.reference.model.state import KernelState, Sizes
from ringbench.subjects.reference.subject import REFERENCE
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange
from ringbench.subjects.reference.vocabulary.constants import MemoryKind
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.disk import (
    DiskFind,
    DiskInfo,
    DiskRead,
    DiskWrite,
)
from ringbench.subjects.reference.vocabulary.operations.heap import HeapAlloc, HeapFree, HeapRealloc
from ringbench.subjects.reference.vocabulary.operations.paging import PageMap
from ringbench.subjects.reference.vocabulary.operations.pmm import PmmAlloc, PmmFree, PmmInfo
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS
from ringbench.subjects.reference.vocabulary.operations.task import TaskDelete, TaskNew
from ringbench.subjects.reference.vocabulary.operations.vmm import (
    Touch,
    VmAllocAt,
    VmCopy,
    VmFree,
    VmProtect,
    VmResize,
    VmWrite,
)
from ringbench.subjects.reference.workload.misuse import MISUSES, misuse
from ringbench.subjects.reference.workload.mixture import draw
from tests.places import ROOT
from tests.unit.reference.booted import IMAGE, with_disks

MEMORY = (
    MemoryRange(0, 1 << 20, MemoryKind.LOW),
    MemoryRange(1 << 20, 1 << 20, MemoryKind.KERNEL),
    MemoryRange(2 << 20, 1 << 16, MemoryKind.MODULE),
    MemoryRange((2 << 20) + (1 << 16), 14 << 20, MemoryKind.AVAILABLE),
)
SCRIPT = Script(
    (PmmAlloc(), PmmFree(0x148000), VmWrite("t1", 0x10000, b"\x01")),
    {"memory": "16M", "cpu": "max,-pdpe1gb", "modules": "2"},
    ("what it shows", "kernel 1234"),
)


@pytest.fixture(scope="module")
def booted() -> KernelState:
    return boot(MEMORY, IMAGE, Features(physical_bits=40, gib_pages=True), Sizes())


# --- scripts --------------------------------------------------------------------------------------


def test_a_script_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "one.ring"
    SCRIPT.write(path)
    assert read_script(path, REFERENCE.parse) == SCRIPT
    assert path.read_text().startswith("#!/usr/bin/env -S ringbench replay\n")
    assert path.stat().st_mode & 0o111
    assert [each.name for each in tmp_path.iterdir()] == ["one.ring"]


def test_a_script_may_be_typed_by_a_person() -> None:
    script = parse_script(
        "\n# a thought\n  pmm alloc\n\n# another\npmm info\n", "typed", REFERENCE.parse
    )
    assert script == Script((PmmAlloc(), PmmInfo()), {}, ("a thought", "another"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pmm alloc\npmm alock\n", ("file:2", "`pmm alock`", "no such operation")),
        ("# ringbench 2: memory=16M\n", ("file:1", "version 2")),
        (
            "\n# ringbench 1: disk=16M\n",
            ("file:2", "disk=16M", "memory, cpu, watch, modules, split"),
        ),
        ("# ringbench 1: memory\n", ("file:1", "KEY=VALUE")),
    ],
)
def test_what_is_no_script(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_script(text, "file", REFERENCE.parse)
    for word in words:
        assert word in str(caught.value)


def test_a_script_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.ring: the script cannot be read"):
        read_script(tmp_path / "no.ring", REFERENCE.parse)
    (tmp_path / "image.ring").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_script(tmp_path / "image.ring", REFERENCE.parse)


def test_a_machine_has_the_words_that_made_it() -> None:
    words = {"memory": "48M", "cpu": "max,-pdpe1gb", "modules": "2", "split": "24M"}
    config = with_machine(load(ROOT / "ringbench.toml"), words)
    assert config.machine.memory == 48 << 20
    assert len(config.kernel.modules) == 2
    assert config.machine.arguments == ("-machine", "max-ram-below-4g=24M")
    assert machine_words(config) == words
    words["disks"] = "data:build/data.tar,swap:4096K"
    config = with_machine(config, {"disks": words["disks"]})
    assert machine_words(config) == words
    assert [(disk.path, disk.size) for disk in config.machine.disks] == [
        (ROOT / "build/data.tar", 0),
        (None, 4 << 20),
    ]
    with pytest.raises(ConfigError, match="expected SERIAL:SIZE or SERIAL:FILE"):
        with_machine(config, {"disks": "swap"})
    with pytest.raises(ConfigError, match="modules=some"):
        with_machine(config, {"modules": "some"})


# --- corpus ---------------------------------------------------------------------------------------


def test_a_corpus_goes_on(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "corpus", REFERENCE.parse)
    corpus.state.batches["1"] = [0, 2]
    corpus.state.covered = [1, 2]
    corpus.save()
    again = Corpus(tmp_path / "corpus", REFERENCE.parse).state
    assert again == corpus.state
    assert again.done("1", 2)
    assert not again.done("1", 1)
    assert not again.done("2", 0)


def test_the_shortest_of_each_failure_is_kept(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path, REFERENCE.parse)
    longer, shorter = Script((PmmInfo(), PmmAlloc())), Script((PmmAlloc(),))
    path, is_new = corpus.keep_failure("pmm: one", longer)
    assert is_new
    assert corpus.keep_failure("pmm: one", shorter) == (path, False)
    assert corpus.keep_failure("pmm: one", longer) == (path, False)
    assert corpus.keep_failure("pmm: other", longer)[1]
    assert {each.operations for each in corpus.scripts()} == {
        shorter.operations,
        longer.operations,
    }


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "cannot be read"),
        ("[]", "version None"),
        ('{"version": 3}', "version 3"),
        ('{"version": 2, "colour": "red"}', "not the state"),
        ('{"version": 2, "batches": 5}', "not the state"),
    ],
)
def test_a_state_that_is_none(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        Corpus(tmp_path, REFERENCE.parse)
    assert word in str(caught.value)


def test_a_corpus_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--corpus"):
        Corpus(tmp_path / "file", REFERENCE.parse)


def test_a_state_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(tmp_path, REFERENCE.parse)
    corpus.save()
    before = (tmp_path / "state.json").read_text()
    corpus.state.operations = 5
    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        corpus.save()
    assert (tmp_path / "state.json").read_text() == before
    assert json.loads(before)["operations"] == 0
    assert {each.name for each in tmp_path.iterdir()} == {"state.json", "failures", "interesting"}


def interrupted(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_failure_says_what_it_shows() -> None:
    found = Mismatch("pmm", "reply", "ok", "foreign", "operation 1: pmm alloc")
    script = failure_script(Failure(Caught("hunt", 3, (found,)), (PmmAlloc(),)), {}, "seed 1")
    assert script.about == (str(found), "seed 1")
    ended = failure_script(Failure(Caught("hunt", 3, (), "panic"), ()), {})
    assert ended.about == ("panic",)


# --- operations out of bytes ----------------------------------------------------------------------


@given(st.binary(min_size=LENGTH, max_size=LENGTH), st.sampled_from([draw, misuse]))
def test_any_bytes_are_an_operation(decisions: bytes, drawn: object) -> None:
    assert callable(drawn)
    state = boot(MEMORY, IMAGE, Features(physical_bits=40, gib_pages=True), Sizes())
    operation = drawn(ByteRandom(decisions), state, LAYERS)
    assert operation == drawn(ByteRandom(decisions), state, LAYERS)


# --- mistakes -------------------------------------------------------------------------------------


@dataclass
class Played:
    state: KernelState
    done: list[Operation]
    refused: set[tuple[type[Operation], str]]


def play(seed: int, count: int, state: KernelState, layers: tuple[str, ...] = LAYERS) -> Played:
    random, played = Random(seed), Played(state, [], set())
    while len(played.done) < count:
        drawn = misuse if random.random() < 0.5 else draw
        operation = drawn(random, played.state, layers)
        try:
            played.state, reply = perform(played.state, operation)
        except Unpredictable:
            continue
        played.done.append(operation)
        played.refused.add((type(operation), reply.status))
    return played


def test_mistakes_are_refused_in_every_way(booted: KernelState) -> None:
    refused = play(4, 9000, booted).refused
    assert {
        (PmmFree, "not_allocated"),
        (PmmFree, "denied"),
        (PmmFree, "foreign"),
        (PmmFree, "misaligned"),
        (PmmAlloc, "no_memory"),
        (PageMap, "mapped"),
        (PageMap, "not_found"),
        (PageMap, "non_canonical"),
        (PageMap, "out_of_range"),
        (VmAllocAt, "mapped"),
        (VmAllocAt, "out_of_range"),
        (VmFree, "not_mapped"),
        (VmFree, "not_found"),
        (VmResize, "mapped"),
        (VmResize, "denied"),
        (VmCopy, "denied"),
        (Touch, "fault"),
        (HeapFree, "double_free"),
        (HeapFree, "interior"),
        (HeapFree, "foreign"),
        (HeapRealloc, "double_free"),
        (TaskDelete, "busy"),
        (TaskDelete, "not_found"),
    } <= refused


def test_mistakes_with_disks_are_refused_in_every_way() -> None:
    refused = play(3, 3000, with_disks(), ("disk",)).refused
    assert {
        (DiskFind, "not_found"),
        (DiskInfo, "not_found"),
        (DiskRead, "out_of_range"),
        (DiskRead, "invalid"),
        (DiskWrite, "out_of_range"),
        (VmFree, "denied"),
        (VmProtect, "denied"),
        (VmResize, "denied"),
        (Touch, "denied"),
    } <= refused


def test_every_layer_has_mistakes() -> None:
    assert set(MISUSES) == set(LAYERS)


# --- reduction ------------------------------------------------------------------------------------


def test_nothing_that_is_needed_is_lost_and_nothing_else_stays() -> None:
    needed: tuple[Operation, ...] = (PmmAlloc(), TaskNew(), PmmFree(0x1000))
    padding = [HeapAlloc(size) for size in range(1, 60)]
    sequence = (*padding[:20], needed[0], *padding[20:40], needed[1], *padding[40:], needed[2])

    def fails(operations: Operations) -> bool:
        kept = [each for each in operations if each in needed]
        return kept == list(needed)

    assert reduce(sequence, fails, REFERENCE.plainer) == needed


def test_two_that_go_only_together_go() -> None:
    pair: tuple[Operation, ...] = (TaskNew(), TaskDelete("t1"))

    def fails(operations: Operations) -> bool:
        return PmmInfo() in operations and operations.count(pair[0]) == operations.count(pair[1])

    assert reduce((pair[0], PmmInfo(), pair[1]), fails, REFERENCE.plainer) == (PmmInfo(),)


def test_numbers_become_plain() -> None:
    def fails(operations: Operations) -> bool:
        return any(isinstance(each, HeapAlloc) and each.size > 5 for each in operations)

    assert reduce((HeapAlloc(12345),), fails, REFERENCE.plainer) == (HeapAlloc(16),)
