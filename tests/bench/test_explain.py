"""`ringbench explain`: the way of an operation through the layers, seen in the live kernel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringbench.cli.main import run
from ringbench.config import Config
from ringbench.debuginfo.symbols import Symbols
from ringbench.machine import Machine
from ringbench.subjects.reference.explain.asked import ASKED
from ringbench.subjects.reference.explain.changes import Change, changes
from ringbench.subjects.reference.explain.follow import follow
from ringbench.subjects.reference.observe.picture import take_from
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS

HEAP = 0xFFFFC00000000000


def test_the_first_allocation_goes_the_books_four_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """No node: the heap asks for a region, that for frames; they are mapped; a node is split."""
    assert run(["explain", "heap alloc 5", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["reply"] == f"ok {HEAP + 16:#x}"
    called = [(each["depth"], each["layer"], each["function"]) for each in told["calls"]]
    assert called == [
        (0, "heap", "heap_alloc"),
        (1, "vmm", "vm_alloc_at"),
        (2, "slab", "slab_alloc"),
        (3, "pmm", "pmm_alloc"),
        (2, "paging", "paging_fill"),
        (3, "pmm", "pmm_alloc"),
    ]
    assert [each["times"] for each in told["calls"]] == [1, 1, 1, 1, 1, 3]
    assert told["calls"][1]["asked"] == f"0x1000 bytes at {HEAP:#x}"
    assert told["calls"][2]["asked"] == "of cache region"
    layers = [each["layer"] for each in told["changes"]]
    assert layers == [*["pmm"] * 4, "slab", *["paging"] * 3, "vmm", "heap", "heap"]
    assert told["changes"][-2]["what"] == f"node {HEAP:#x}, 32 bytes used: made"


def test_each_function_is_one_of_its_layer(ringbench_config: Config) -> None:
    symbols = Symbols.load(ringbench_config.kernel.elf)
    for name, (layer, _) in ASKED.items():
        assert symbols.address(name)
        assert layer in LAYERS


def test_what_came_and_what_went(machine: Machine) -> None:
    before = take_from(machine, machine.types)
    calls, reply = follow(machine, "kmalloc alloc 100", {})
    assert (calls[0].function, calls[0].asked) == ("kmalloc", "100 bytes")
    there = take_from(machine, machine.types)
    address = int(reply.split()[1], 16)
    assert Change("slab", f"object {address:#x} of cache kmalloc-128 taken") in changes(
        before, there
    )
    follow(machine, f"kmalloc free {address:#x}", {})
    back = changes(there, take_from(machine, machine.types))
    assert Change("slab", f"object {address:#x} of cache kmalloc-128 freed") in back
    assert len([each for each in back if each.layer == "pmm"]) == 1
    assert changes(before, before) == []


def test_what_is_refused_changes_nothing(machine: Machine) -> None:
    before = take_from(machine, machine.types)
    calls, reply = follow(machine, "heap free 0x10", {})
    assert [call.function for call in calls] == ["heap_free"]
    assert reply.startswith("err foreign")
    assert changes(before, take_from(machine, machine.types)) == []
