"""Chained heaps in the model: who serves which request; stated by hand."""

from __future__ import annotations

import pytest

from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.kmalloc import CHAINS, DEFAULT, cache_of, caches, chosen
from ringbench.subjects.reference.model.state import KernelState, replace
from ringbench.subjects.reference.vocabulary.constants import BUDDY_BASE, HEAP_BASE
from ringbench.subjects.reference.vocabulary.operations.kmalloc import KmallocAlloc, KmallocFree
from tests.unit.reference.booted import booted, performed


def chained(word: str) -> KernelState:
    """Return a kernel that was booted with that chain."""
    state, chain = booted(), CHAINS[word]
    kept = {name: cache for name, cache in state.caches.items() if "kmalloc" not in name}
    return replace(state, chain=chain, caches=kept | caches(chain))


@pytest.mark.parametrize(
    ("command_line", "word"),
    [
        ("heap=list", "list"),
        ("quiet heap=buddy crash=none", "buddy"),
        ("heap=slab+buddy heap=list", "slab+buddy"),
    ],
)
def test_the_first_word_chooses(command_line: str, word: str) -> None:
    assert chosen(command_line) == CHAINS[word]


@pytest.mark.parametrize("command_line", ["", "heap=", "heap=lists", "cheap=list", "heap = list"])
def test_any_other_word_is_the_default(command_line: str) -> None:
    assert chosen(command_line) == DEFAULT == CHAINS["slab+list"]


@pytest.mark.parametrize(
    ("size", "name"), [(1, 8), (8, 8), (9, 16), (33, 48), (257, 384), (385, 512), (512, 512)]
)
def test_the_least_cache_that_holds_it(size: int, name: int) -> None:
    assert cache_of(size) == f"kmalloc-{name}"


def test_small_ones_are_of_the_front_and_the_rest_of_the_back() -> None:
    for word, back in (("slab+list", HEAP_BASE + 16), ("slab+buddy", BUDDY_BASE)):
        state, reply = perform(chained(word), KmallocAlloc(512))
        (frame,) = state.caches["kmalloc-512"].slabs
        assert reply.values == (state.caches["kmalloc-512"].address(frame, 0),)
        state, large = perform(state, KmallocAlloc(513))
        assert large.values == (back,)
        begin = chained(word)
        assert performed(state, KmallocFree(back), KmallocFree(int(reply.values[0]))) == begin
    for word, back in (("list", HEAP_BASE + 16), ("buddy", BUDDY_BASE)):
        assert perform(chained(word), KmallocAlloc(5))[1].values == (back,)


def test_what_is_refused_changes_nothing() -> None:
    state = performed(chained("slab+buddy"), KmallocAlloc(100), KmallocAlloc(1000))
    (frame,) = state.caches["kmalloc-128"].slabs
    address = state.caches["kmalloc-128"].address(frame, 0)
    for operation, status in (
        (KmallocAlloc(0), "invalid"),
        (KmallocAlloc((1 << 30) + 1), "invalid"),
        (KmallocAlloc(1 << 29), "no_memory"),
        (KmallocFree(address + 1), "interior"),
        (KmallocFree(address + 128), "double_free"),
        (KmallocFree(address + 4096), "foreign"),
        (KmallocFree(BUDDY_BASE + 8), "interior"),
        (KmallocFree(HEAP_BASE), "foreign"),
    ):
        after, reply = perform(state, operation)
        assert (reply.status, after) == (status, state), operation
    assert perform(state, KmallocFree(0))[1].ok
