"""The layout: its numbers are the kernel's, and it is the only place that knows the names."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.errors import ConfigError
from ringbench.subjects.reference.observe.layout import RINGBENCH, by_name
from tests.places import BENCH, KERNEL, ROOT

OBSERVERS = ("observe", "subjects/reference/observe")


def compiles(tmp_path: Path, *facts: str) -> bool:
    source = tmp_path / "facts.c"
    includes = '#include "heap/heap.h"\n#include "pmm/pmm.h"\n'
    asserts = "".join(f'_Static_assert({fact}, "");\n' for fact in facts)
    source.write_text(includes + asserts, encoding="utf-8")
    command = ["gcc", "-std=gnu17", "-ffreestanding", "-fsyntax-only", "-I", str(KERNEL)]
    return subprocess.run([*command, str(source)], capture_output=True, check=False).returncode == 0


def test_the_encodings_are_those_of_the_headers(tmp_path: Path) -> None:
    heap = RINGBENCH.heap
    assert compiles(
        tmp_path,
        f"HEAP_NODE_MIN == {heap.node_min}",
        f"HEAP_ALIGN == {heap.node_align}",
        f"HEAP_HEADER == {heap.header}",
        f"HEAP_GUARD == {heap.guard_constant}ULL",
        f"HEAP_LINEAR == {heap.linear_limit}",
        f"HEAP_SECOND_LEVELS == {heap.second_levels}",
        f"BLOCK_FRAMES == {RINGBENCH.block_frames}",
        f"PADDR_NONE == {RINGBENCH.none}ULL",
    )
    assert not compiles(tmp_path, f"HEAP_NODE_MIN == {heap.node_min + 1}")


@pytest.mark.parametrize(
    ("size", "place"),
    [
        (32, (0, 2)),
        (1008, (0, 63)),
        (1024, (1, 0)),
        (4080, (3, 63)),
        (4096, (4, 0)),
        (4144, (4, 0)),
        (4160, (4, 1)),
        (8176, (4, 63)),
        (8192, (5, 0)),
    ],
)
def test_size_classes(size: int, place: tuple[int, int]) -> None:
    """heap.h: below 4 KiB, number s / 16; from there, 64 * (k - 9) + (s >> (k - 6))."""
    assert RINGBENCH.heap.size_class(size) == place


def test_layouts_are_found_by_name() -> None:
    assert by_name("ringbench") is RINGBENCH
    with pytest.raises(ConfigError, match="no layout 'other'; known are: ringbench"):
        by_name("other")


def test_the_configuration_of_this_tree_names_the_layout() -> None:
    config = load(ROOT / "ringbench.toml")
    assert config.kernel.elf.name == "kernel.elf"
    assert config.kernel.layout is not None
    assert by_name(config.kernel.layout) is RINGBENCH


def names(value: object) -> Iterator[str]:
    """The layout's strings that can only be a kernel's: paths, types, enumerators."""
    if is_dataclass(value):
        for each in fields(value):
            yield from names(getattr(value, each.name))
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, str) and ("." in value or " " in value or "_" in value):
        yield value


def test_no_other_module_names_the_kernel() -> None:
    kernels = set(names(RINGBENCH))
    assert {"pmm.free_bits", "struct vm_space", "MEMORY_LOW", "current_task"} <= kernels
    for path in (path for each in OBSERVERS for path in (BENCH / "ringbench" / each).glob("*.py")):
        if path.name == "layout.py":
            continue
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        strings = {node.value for node in nodes if isinstance(node, ast.Constant)}
        assert not strings & kernels, path.name
