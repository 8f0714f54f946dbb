"""Wrong kernels are caught: one line of the real one broken, built, and run against the model.

Each mutant is a bug that a kernel author could have written. A run must end with exit status 1 and
name a layer that the bug is in; a mutant whose text is no longer in the source fails its test, so
the table cannot rot.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.wrong import broken, build

SECONDS = 100


@dataclass(frozen=True, slots=True)
class Mutant:
    """Replace `right` by `wrong` in `file`: a run of `layers` must blame one of `blamed`."""

    name: str
    file: str
    right: str
    wrong: str
    layers: tuple[str, ...]
    blamed: tuple[str, ...]
    operations: int = 400


MUTANTS = (
    Mutant(
        "reserved memory is handed out",
        "memmap/memory_map.c",
        "kind == MEMORY_AVAILABLE",
        "kind != MEMORY_KERNEL",
        ("pmm",),
        ("machine", "pmm"),
        0,
    ),
    Mutant(
        "free count not kept",
        "pmm/frames.c",
        "    pmm.free_count--;\n",
        "",
        ("pmm",),
        ("pmm",),
    ),
    Mutant(
        "double free accepted",
        "pmm/frames.c",
        "    if (word_add(&bits, frame)) {\n        return STATUS_NOT_ALLOCATED;",
        "    if (word_add(&bits, frame) && 0) {\n        return STATUS_NOT_ALLOCATED;",
        ("pmm",),
        ("pmm",),
        1500,
    ),
    Mutant(
        "alignment of a run ignored",
        "pmm/runs.c",
        "align_up(frame, align)",
        "align_up(frame, align > 8 ? 8 : align)",
        ("pmm",),
        ("pmm",),
    ),
    Mutant(
        "summary of whole blocks not kept",
        "pmm/frames.c",
        "        tree_remove(&pmm.whole, block);\n    }\n    return",
        "    }\n    return",
        ("pmm",),
        ("pmm", "machine"),
        2500,
    ),
    Mutant(
        "empty tables kept",
        "paging/change.c",
        "        if (collect) {",
        "        if (collect && 0) {",
        ("paging",),
        ("pmm", "paging"),
    ),
    Mutant(
        "no-execute forgotten",
        "paging/entry.h",
        "           move_bits(~flags, PAGE_EXEC, PTE_NX) | move_bits(flags, PAGE_GLOBAL",
        "           move_bits(flags, PAGE_GLOBAL",
        ("paging",),
        ("paging", "machine"),
        0,
    ),
    Mutant(
        "pages not zeroed",
        "paging/map.c",
        "    frame_zero(frame);\n",
        "",
        ("pmm", "vmm", "task"),
        ("vmm",),
        1500,
    ),
    Mutant(
        "protect loses the cache mode",
        "vmm/alloc.c",
        "flags | (region->flags & PAGE_CACHE_MASK)",
        "flags",
        ("vmm",),
        ("vmm", "paging"),
        2000,
    ),
    Mutant(
        "fault maps whatever the access",
        "vmm/fault.c",
        " || !permits(region->flags, error)",
        " || (0 && !permits(region->flags, error))",
        ("vmm",),
        ("vmm", "pmm"),
        1500,
    ),
    Mutant(
        "no merge with the node before",
        "heap/heap.c",
        "struct heap_node *previous = free_previous(node);\n    struct heap_node *next = free_next",
        "struct heap_node *previous = NULL;\n    struct heap_node *next = free_next",
        ("heap",),
        ("heap", "machine", "pmm"),
    ),
    Mutant(
        "headers sealed with another number",
        "heap/heap.h",
        "0x9e3779b97f4a7c15ULL",
        "0x9e3779b97f4a7c17ULL",
        ("heap",),
        ("heap",),
    ),
    Mutant(
        "heap never shrinks",
        "heap/heap.c",
        "node_size(node) >= HEAP_TRIM",
        "0",
        ("heap",),
        ("heap", "pmm"),
        1500,
    ),
    Mutant(
        "a bit of an empty free list kept",
        "heap/lists.h",
        "    if (offset < sizeof(heap.free)) {",
        "    if (0 && offset < sizeof(heap.free)) {",
        ("heap",),
        ("heap", "machine"),
    ),
    Mutant(
        "a node not told what is before it",
        "heap/internal.h",
        "    node_set_before(node_next(node), node->tag);\n",
        "",
        ("heap",),
        ("heap", "machine"),
    ),
    Mutant(
        "task ids not reused",
        "task/task.c",
        "while (task->next && task->next->id == task->id + 1)",
        "while (task->next)",
        ("task",),
        ("task",),
    ),
)


def run(tree: Path, mutant: Mutant) -> tuple[int, dict[str, object], str]:
    """Run; the exit status, the result, and what was printed."""
    result = tree / "result.json"
    arguments = ["run", "--json", str(result), "--gdb-ops", "0", "--ring-ops", "0"]
    arguments += ["--ops", str(mutant.operations), "--picture-every", "100"]
    arguments += [word for layer in mutant.layers for word in ("--layer", layer)]
    done = subprocess.run(
        [sys.executable, "-m", "ringbench.cli.main", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    found = json.loads(result.read_text()) if result.exists() else {}
    result.unlink(missing_ok=True)
    return done.returncode, found, done.stdout + done.stderr


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_wrong_kernel_is_caught(tree: Path, mutant: Mutant) -> None:
    with broken(tree, mutant.file, mutant.right, mutant.wrong):
        status, result, printed = run(tree, mutant)
    assert status == 1, printed
    layers = result["layers"]
    assert isinstance(layers, list)
    blamed = {layer["layer"] for layer in layers if layer["mismatches"]}
    assert blamed & set(mutant.blamed), printed


def test_the_right_kernel_in_the_same_tree_passes(tree: Path) -> None:
    build(tree)
    right = Mutant("none", "", "", "", ("pmm", "paging", "vmm", "heap", "task"), (), 400)
    status, _, printed = run(tree, right)
    assert status == 0, printed
