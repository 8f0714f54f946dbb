"""The layout: it is the only place that knows the kernel's names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from ringbench.subjects.reference.observe.names import RINGBENCH
from tests.places import BENCH

OBSERVERS = ("observe", "subjects/reference/observe")


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
        if path.name == "names.py":
            continue
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        strings = {node.value for node in nodes if isinstance(node, ast.Constant)}
        assert not strings & kernels, path.name
