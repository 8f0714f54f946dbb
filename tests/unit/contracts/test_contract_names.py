"""What a configuration names is held against the kernel's ELF file before anything is called."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from ringbench.config import Config, KernelConfig
from ringbench.config.call_text import parse_call
from ringbench.config.contracts import Contracts, FramesCalls
from ringbench.errors import ConfigError
from ringbench.subjects.contracts.names import Names, find_names

SOURCE: Final = """
typedef unsigned long size;
struct pair { long a, b; };
long count; int number;
__attribute__((noinline)) long frame_alloc(void) { return count++; }
__attribute__((noinline)) void frame_free(long frame) { count -= frame; }
__attribute__((noinline)) long scaled(double by) { return (long)by + count; }
__attribute__((noinline)) long summed(struct pair pair) { return pair.a + pair.b; }
long of_zig(void) __asm__("heap.alloc");
__attribute__((noinline, used)) long of_zig(void) { return count; }
long of_rust(void) __asm__("_RNvMNtCs1EKtwoKEMO2_6kernel4heapNtB2_4Heap5alloc");
__attribute__((noinline, used)) long of_rust(void) { return count + 1; }
static inline __attribute__((always_inline)) long hidden(size much) { return count * much; }
void _start(void) {
    struct pair pair = { 1, 2 };
    frame_free(frame_alloc() + scaled(number) + summed(pair) + hidden(count));
    for (;;) ;
}
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    (folder / "k.c").write_text(SOURCE)
    flags = ("-O1", "-g", "-nostdlib", "-static", "-no-pie", "-ffreestanding")
    subprocess.run(["gcc", *flags, "-o", "k.elf", "k.c"], cwd=folder, check=True, timeout=60)
    return folder / "k.elf"


def names(elf: Path, alloc: str, free: str = "frame_free({frame})", count: str = "count") -> Names:
    frames = FramesCalls(parse_call(alloc), parse_call(free), count=count)
    kernel = KernelConfig(elf, elf, "> ")
    return find_names(Config(kernel, Path("ringbench.toml"), contracts=Contracts(frames=frames)))


def test_functions_and_variables_are_found(elf: Path) -> None:
    found = names(elf, "frame_alloc()")
    assert set(found.addresses) == {"frame_alloc", "frame_free", "count"}
    assert found.sizes == {"count": 8}
    assert names(elf, "frame_alloc()", count="number").sizes == {"number": 4}
    assert found.silent == {"frame_free"}  # which returns nothing
    assert found.moved(0x1000).addresses["count"] == found.addresses["count"] + 0x1000


@pytest.mark.parametrize("alloc", ["heap.alloc()", "kernel::heap::Heap::alloc()"])
def test_functions_of_zig_and_rust_are_found_by_their_own_names(elf: Path, alloc: str) -> None:
    assert len(set(names(elf, alloc).addresses.values())) == 3


@pytest.mark.parametrize(
    ("alloc", "words"),
    [
        (
            "frame_aloc()",
            r"frames\.alloc: k\.elf has no symbol 'frame_aloc'; near it are frame_alloc",
        ),
        ("frame_alloc(1)", "frame_alloc takes nothing: 0 arguments, not 1"),
        ("frame_free()", "frame_free takes frame: 1 arguments, not 0"),
        ("count()", "'count' is not a function"),
        ("scaled(1)", "'by' is a floating-point number: only integers and pointers"),
        ("summed(1)", "'pair' is a structure"),
        ("hidden(1)", "put all of 'hidden' into its callers"),
    ],
)
def test_what_cannot_be_called_is_refused(elf: Path, alloc: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        names(elf, alloc)


PLUS: Final = """
namespace mem {
long used;
struct Frames { long first; long take(long size); void give(long frame); };
__attribute__((noinline)) long Frames::take(long size) { return first += size; }
__attribute__((noinline)) void Frames::give(long frame) { first -= frame; }
Frames frames;
__attribute__((noinline)) long alloc() { return used++; }
__attribute__((noinline)) long alloc(long count) { return used += count; }
namespace { __attribute__((noinline)) void release(long frame) { used -= frame; } }
}
extern "C" void _start() {
    mem::release(mem::alloc() + mem::alloc(2) + mem::frames.take(1));
    mem::frames.give(1);
    for (;;) ;
}
"""


@pytest.fixture(scope="module")
def plus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plus")
    (folder / "k.cc").write_text(PLUS)
    flags = ("-O1", "-g", "-nostdlib", "-static", "-no-pie", "-ffreestanding", "-fno-exceptions")
    subprocess.run(["g++", *flags, "-o", "k.elf", "k.cc"], cwd=folder, check=True, timeout=60)
    return folder / "k.elf"


@pytest.mark.parametrize(
    ("alloc", "free"),
    [
        ("mem::alloc()()", "mem::release({frame})"),
        ("mem::alloc(long)(1)", "mem::release(long)({frame})"),
        ("mem::Frames::take(0x1000, 1)", "mem::Frames::give(0x1000, {frame})"),
        ("_ZN3mem5allocEv()", "_ZN3mem6Frames4giveEl(0, {frame})"),
    ],
)
def test_functions_of_c_plus_plus_are_found_by_their_own_names(
    plus: Path, alloc: str, free: str
) -> None:
    found = names(plus, alloc, free, "mem::used")
    assert len(set(found.addresses.values())) == 3
    assert found.silent == {parse_call(free).function}  # which returns nothing


@pytest.mark.parametrize(
    ("alloc", "words"),
    [
        (
            "mem::alloc()",
            r"several of the name 'mem::alloc': mem::alloc\(\) at 0x.*, mem::alloc\(long\) at 0x",
        ),
        ("mem::alloc(long)()", r"takes count: 1 arguments, not 0"),
        ("mem::Frames::take(1)", r"takes this, size: 2 arguments, not 1"),
        ("mem::aloc()", r"no symbol 'mem::aloc'; near it are mem::alloc"),
    ],
)
def test_what_cannot_be_called_of_c_plus_plus_is_refused(
    plus: Path, alloc: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        names(plus, alloc, "mem::release({frame})", "mem::used")


def test_a_function_is_no_count(elf: Path) -> None:
    with pytest.raises(ConfigError, match=r'to have it called, write "frame_alloc\(\)"'):
        names(elf, "frame_alloc()", count="frame_alloc")
