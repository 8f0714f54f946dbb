"""What the configuration of this tree's kernel calls its allocators' functions is what they are."""

from __future__ import annotations

from ringbench.config import load
from ringbench.debuginfo.symbols import Symbols
from tests.places import ROOT


def test_watched_functions_are_there() -> None:
    config = load(ROOT / "ringbench.toml")
    symbols = Symbols.load(config.kernel.elf)
    heap, frames = config.watch.heap, config.watch.frames
    assert heap is not None
    assert frames is not None
    calls = [
        each.call.function
        for told in (heap, frames)
        for key in ("alloc", "zalloc", "realloc", "free", "usable")
        for each in getattr(told, key)
    ]
    own = [name for told in (heap, frames) for name in told.own if "." not in name]
    assert len(calls) >= 10
    missing = [name for name in (*calls, *own) if len(symbols.addresses(name)) != 1]
    assert not missing
