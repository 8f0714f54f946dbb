"""The tables `[contracts]`: what is accepted, and what each mistake is answered with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from ringbench import subjects
from ringbench.config import load, override
from ringbench.config.call_text import CallText, parse_call
from ringbench.config.contracts import FramesCalls
from ringbench.errors import ConfigError
from ringbench.subjects.contracts.ledger import Run

MAPPED: Final = 0xFFFF_8000_0000_1000
KERNEL: Final = '[kernel]\nelf = "k.elf"\nprompt = "> "\nsubject = "contracts"\n'
HEAP: Final = '[contracts.heap]\nalloc = "kmalloc({size})"\nfree = "kfree({block})"\n'
FRAMES: Final = '[contracts.frames]\nalloc = "f()"\nfree = "g({frame})"\n'
PAGES: Final = """
[contracts.pages]
map = "map({virtual}, {physical}, {flags})"
unmap = "unmap({root}, {virtual})"
range = [0x400000, 0x800000]
"""


REGIONS: Final = """
[contracts.regions]
alloc = "get({space}, {size}, {flags})"
free = "give({space}, {address})"
"""


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "ringbench.toml"
    file.write_text(KERNEL + text)
    return file


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("f()", CallText("f")),
        (" kmalloc ( {size} ) ", CallText("kmalloc", ("size",))),
        ("_ZN4heap5allocEm({size}, 0x10, -1)", CallText("_ZN4heap5allocEm", ("size", 16, -1))),
        ("f(1, 2, 3, 4, 5, {size})", CallText("f", (1, 2, 3, 4, 5, "size"))),
        ("mem::frames::alloc()", CallText("mem::frames::alloc")),
        ("heap.alloc({size})", CallText("heap.alloc", ("size",))),
        ("mem::alloc(unsigned long)({size})", CallText("mem::alloc(unsigned long)", ("size",))),
        ("mem::Pool<Frame, 4>::get(1)", CallText("mem::Pool<Frame, 4>::get", (1,))),
        (
            "<kernel::Heap as kernel::Alloc>::get()",
            CallText("<kernel::Heap as kernel::Alloc>::get"),
        ),
        ("f(g({size}, 1), {align})", CallText("f", (CallText("g", ("size", 1)), "align"))),
        ("(anonymous namespace)::f(1)", CallText("(anonymous namespace)::f", (1,))),
    ],
)
def test_a_call_is_read(text: str, call: CallText) -> None:
    assert parse_call(text) == call
    assert parse_call(str(call)) == call


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f",
        "f(",
        "f(x)",
        "f({})",
        "f({Size})",
        "f(,)",
        "f(1 2)",
        "f(g)",
        "f(g(x))",
        "f)(",
        "f() g()",
        "1f()",
        "f(1" + "0" * 30,
    ],
)
def test_what_is_no_call_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"call|arguments"):
        parse_call(text)


def test_calls_within_calls_are_read_and_shown() -> None:
    call = parse_call("map(page_of({virtual}, 1), {flags})")
    assert call.names == ("virtual", "flags")
    assert [each.function for each in call.calls()] == ["page_of", "map"]
    assert call.shown({"virtual": MAPPED, "flags": 2}) == "map(page_of(0xffff800000001000, 1), 2)"
    with pytest.raises(ValueError, match="within one another"):
        parse_call("f(" * 12 + ")" * 12)


def test_more_arguments_than_registers_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 6 arguments"):
        parse_call("f(1, 2, 3, 4, 5, 6, 7)")


def test_a_call_is_shown_with_what_it_got() -> None:
    assert parse_call("f({block}, {size}, 3)").shown({"block": MAPPED, "size": 24}) == (
        "f(0xffff800000001000, 24, 3)"
    )


def test_tables_arrive_and_stay_when_a_key_is_changed(tmp_path: Path) -> None:
    config = load(write(tmp_path, f"[contracts]\ninterrupts = true\n{HEAP}align = 8\n"))
    assert config.contracts.interrupts
    assert config.contracts.frames is None
    heap = config.contracts.heap
    assert heap is not None
    assert (heap.alloc, heap.align, heap.none) == (CallText("kmalloc", ("size",)), 8, 0)
    assert override(config, {"machine.memory": "16M"}).contracts == config.contracts
    changed = override(config, {"contracts.heap.none": -1}).contracts.heap
    assert changed is not None
    assert changed.none == (1 << 64) - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[contracts.heap]\nalloc = "kmalloc({size})"', r"contracts\.heap\.free: missing"),
        (FRAMES + 'size = "8K"', 'one of "4K", "2M", "1G"'),
        (FRAMES.replace("{frame}", "{size}"), r"placeholders among {frame}, {physical}, {number}"),
        (FRAMES.replace("{frame}", "1"), r"a call with {frame}, or with {physical} or {number}"),
        (REGIONS.replace("{size}", "{old}"), r"{old} and {new} together"),
        (REGIONS.replace("{size}", "1"), r"a call with {size}, or with {old} and {new}"),
        (REGIONS + "base = 12", "a multiple of 4 KiB"),
        (REGIONS + 'space = "a b"', "a call such as"),
        (HEAP + 'fre = "f()"', "did you mean 'free'"),
        (HEAP + 'zalloc = "f()"', r"contracts\.heap\.zalloc: expected a call with {size}"),
        (HEAP + 'zalloc = "f({block})"', r"placeholders among {size}, not {block}"),
        (HEAP + "align = 3", "a power of two"),
        (FRAMES + 'alloc_run = "f()"', "a call with {count} or {bytes}"),
        (PAGES + 'translated = "frame"', "one of address, exact, entry"),
        (HEAP + "none = true", "a number of at most 64 bits"),
        (HEAP + 'misuse = ["free-twice"]', "double-free"),
        ("[contracts]\nheap = 1", r"contracts\.heap: unknown key|expected a table"),
        ("[contracts.stack]\nx = 1", r"contracts\.stack"),
        ("contracts = 1", "expected a table|already|subject"),
        (PAGES.replace("0x800000", "0x400000"), "two addresses in order"),
        (PAGES.replace("0x800000", "0x900000000000"), "canonical"),
        (PAGES.replace("{virtual}, {physical}", "{physical}"), "a call with {virtual}"),
    ],
)
def test_a_mistake_is_answered_with_its_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(write(tmp_path, text))


def test_a_subject_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no table \[contracts\.frames\] or"):
        subjects.load(load(write(tmp_path, "")))


def test_pages_without_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[contracts\.pages\] needs \[contracts\.frames\]"):
        subjects.load(load(write(tmp_path, PAGES)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (REGIONS.replace("{address}", "{old}, {new}"), "{old} and {new} in both of alloc and free"),
        (HEAP + 'aligned = "f({size})"', "either it is told {align}, or contracts.heap.aligned_to"),
        (HEAP + 'aligned = "f({size}, {align})"\naligned_to = 4096', "either it is told {align}"),
        (
            FRAMES.replace("{frame}", "{physical}") + 'address = "virtual"',
            "named by a virtual address, {frame} is all",
        ),
    ],
)
def test_a_contradiction_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        subjects.load(load(write(tmp_path, text)))


def test_a_frame_has_other_names() -> None:
    by_number = FramesCalls(parse_call("f()"), parse_call("g({physical})"), address="number")
    assert by_number.renames
    assert by_number.names(3) == {"frame": 3, "physical": 0x3000, "number": 3}
    large = replace(by_number, size=1 << 21, address="physical", free=parse_call("g({number})"))
    assert large.names(0x600000) == {"frame": 0x600000, "physical": 0x600000, "number": 3}
    assert Run("f1", 1, "f()", 3, 0x600, 2, 512).frames == range(0x600, 0xA00)


@pytest.mark.parametrize("frames", ["", FRAMES, FRAMES + 'count = "n"\nexhaust = false'])
def test_a_promise_that_nothing_can_check_is_refused(tmp_path: Path, frames: str) -> None:
    config = load(write(tmp_path, f"{frames}\n{HEAP}undoes = true"))
    with pytest.raises(
        ConfigError, match=r"contracts\.heap\.undoes needs contracts\.frames\.count"
    ):
        subjects.load(config)


def test_lines_are_read_as_they_are_written(tmp_path: Path) -> None:
    subject = subjects.load(load(write(tmp_path, HEAP)))
    for line in ("heap alloc b7 24", "heap free b7", "heap huge 0xffffffffffffffff"):
        assert str(subject.parse(line)) == line
    for line, words in (
        ("heap alloc b7", "expected heap alloc NAME SIZE"),
        ("heap alloc 7 24", "'7' is no name"),
        ("heap alloc b7 -1", "no number"),
        ("heap burn b7", "expected one of"),
        ("frames alloc f1", r"no \[contracts\.frames\]"),
        ("heap zalloc b7 24", r"no contracts\.heap\.zalloc"),
    ):
        with pytest.raises(ConfigError, match=words):
            subject.parse(line)
