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


def test_a_function_is_no_count(elf: Path) -> None:
    with pytest.raises(ConfigError, match=r'to have it called, write "frame_alloc\(\)"'):
        names(elf, "frame_alloc()", count="frame_alloc")
