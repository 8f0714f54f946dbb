"""The kernel's headers and the bench's own statement of the same facts are equal."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ringbench.subjects.reference.vocabulary import constants, flags
from ringbench.subjects.reference.vocabulary.constants import (
    AccessMode,
    AccessVector,
    MemoryKind,
    VmKind,
)
from ringbench.subjects.reference.vocabulary.status import Status
from tests.places import KERNEL

UNITS = {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


def source(name: str) -> str:
    return re.sub(r"/\*.*?\*/", "", (KERNEL / name).read_text(), flags=re.DOTALL)


def number(text: str) -> int:
    """Evaluate the right side of a definition: integers, shifts, KIB(n), ADDRESS(n)."""
    text = text.strip()
    if found := re.fullmatch(r"(KIB|MIB|GIB)\((.*)\)", text):
        return UNITS[found[1]] * number(found[2])
    if found := re.fullmatch(r"ADDRESS\((.*)\)", text):
        return number(found[1])
    if found := re.fullmatch(r"(.*)<<(.*)", text):
        return number(found[1]) << number(found[2])
    return int(text.rstrip("UL"), 0)


def enumeration(name: str, enum: str) -> dict[str, int]:
    found = re.search(rf"enum {enum} \{{(.*?)\}}", source(name), flags=re.DOTALL)
    assert found, f"no enum {enum} in {name}"
    values: dict[str, int] = {}
    following = 0
    for each in filter(None, (part.strip() for part in found[1].split(","))):
        key, _, text = (part.strip() for part in each.partition("="))
        values[key] = following = number(text) if text else following
        following += 1
    return values


def test_statuses() -> None:
    stated = {f"STATUS_{status.name}": int(status) for status in Status}
    assert enumeration("base/status.h", "status") == {**stated, "STATUS_COUNT": len(Status)}


HEADERS = (
    "base/layout.h",
    "base/types.h",
    "pmm/pmm.h",
    "slab/slab.h",
    "object/object.h",
    "vmm/vmm.h",
    "heap/heap.h",
    "buddy/buddy.h",
    "kmalloc/kmalloc.h",
    "disk/virtio_blk.h",
    "disk/disk.h",
    "file/cache.h",
    "file/file.h",
    "console/console.h",
    "console/parse.h",
)


NOT_DEFINED = {"VM_RECORD_SIZE", "VM_SLAB_REGIONS", "RECORD_ALIGN", "KMALLOC_SIZES"}
"""What the C sources have no name for."""


def compiles(tmp_path: Path, facts: Iterable[str]) -> bool:
    lines = [f'#include "{header}"' for header in HEADERS]
    lines += [f'_Static_assert({fact}, "");' for fact in facts]
    path = tmp_path / "facts.c"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["gcc", "-std=gnu17", "-ffreestanding", "-fsyntax-only", "-I", str(KERNEL)]
    return subprocess.run([*command, str(path)], capture_output=True, check=False).returncode == 0


def test_definitions(tmp_path: Path) -> None:
    stated = {key: value for key, value in vars(constants).items() if key.isupper()}
    assert stated.keys() >= NOT_DEFINED
    facts = [f"{key} == {value}ULL" for key, value in stated.items() if key not in NOT_DEFINED]
    assert compiles(tmp_path, facts)
    assert not compiles(tmp_path, [*facts, f"HEAP_NODE_MIN == {constants.HEAP_NODE_MIN + 1}"])


def test_memory_kinds() -> None:
    stated = {f"MEMORY_{kind.name}": int(kind) for kind in MemoryKind}
    found = enumeration("memmap/memory_map.h", "memory_kind")
    assert found == {**stated, "MEMORY_KIND_COUNT": len(MemoryKind)}


def test_region_kinds() -> None:
    stated = {f"VM_{kind.name}": int(kind) for kind in VmKind}
    assert enumeration("vmm/vmm.h", "vm_kind") == {**stated, "VM_KIND_COUNT": len(VmKind)}


def test_page_flags() -> None:
    names = ("WRITE", "USER", "EXEC", "GLOBAL", "FLAGS_ALL")
    caches = ("WB", "WT", "UC_MINUS", "UC", "WC", "MASK")
    stated = {f"PAGE_{name}": getattr(flags, name) for name in names}
    stated |= {f"PAGE_CACHE_{name}": getattr(flags, f"CACHE_{name}") for name in caches}
    assert enumeration("paging/paging.h", "page_flags") == stated


def test_vectors() -> None:
    values = enumeration("cpu/traps.h", "vector")
    assert {f"VECTOR_{each.name}": int(each) for each in AccessVector}.items() <= values.items()


def test_access_modes() -> None:
    assert list(enumeration("cpu/access.h", "access")) == [
        f"ACCESS_{mode.name}" for mode in AccessMode
    ]
