"""The kernel's headers and the bench's own statement of the same facts are equal."""

import re

import pytest

from ringbench.subjects.reference import constants as layout
from ringbench.subjects.reference import flags
from ringbench.subjects.reference.constants import MemoryKind, VmKind
from ringbench.subjects.reference.drive import console_text as monitor_text
from ringbench.subjects.reference.model.access import VECTOR_NAMES
from ringbench.subjects.reference.status import Status
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


def defines(name: str) -> dict[str, int]:
    found = {}
    for key, text in re.findall(r"^#define (\w+) +(\S.*)$", source(name), flags=re.MULTILINE):
        try:
            found[key] = number(text)
        except ValueError:
            continue  # not a number
    return found


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


def test_the_monitors_status_names() -> None:
    assert {status.text for status in Status} - {"ok"} == monitor_text.STATUSES


HEADERS = (
    "base/layout.h",
    "base/types.h",
    "pmm/pmm.h",
    "vmm/vmm.h",
    "heap/heap.h",
    "monitor/monitor.h",
)


@pytest.mark.parametrize("header", HEADERS)
def test_definitions(header: str) -> None:
    found = defines(header)
    stated = {key: getattr(layout, key) for key in found if hasattr(layout, key)}
    assert stated == {key: found[key] for key in stated}


def test_every_stated_number_is_in_a_header() -> None:
    found: set[str] = set()
    for header in HEADERS:
        found |= set(re.findall(r"^#define (\w+)", source(header), flags=re.MULTILINE))
    stated = {key for key in vars(layout) if key.isupper()}
    assert stated - found == {"VM_RECORD_SIZE"}


def test_memory_kinds() -> None:
    stated = {f"MEMORY_{kind.name}": int(kind) for kind in MemoryKind}
    found = enumeration("memmap/memory_map.h", "memory_kind")
    assert found == {**stated, "MEMORY_KIND_COUNT": len(MemoryKind)}


def test_region_kinds() -> None:
    stated = {f"VM_{kind.name}": int(kind) for kind in VmKind}
    assert enumeration("vmm/vmm.h", "vm_kind") == {**stated, "VM_KIND_COUNT": len(VmKind)}
    assert tuple(kind.name.lower() for kind in VmKind) == monitor_text.KINDS


def test_page_flags() -> None:
    names = ("WRITE", "USER", "EXEC", "GLOBAL", "FLAGS_ALL")
    caches = ("WB", "WT", "UC_MINUS", "UC", "WC", "MASK")
    stated = {f"PAGE_{name}": getattr(flags, name) for name in names}
    stated |= {f"PAGE_CACHE_{name}": getattr(flags, f"CACHE_{name}") for name in caches}
    assert enumeration("paging/paging.h", "page_flags") == stated


def test_vectors() -> None:
    values = enumeration("cpu/traps.h", "vector")
    assert values["VECTOR_PAGE_FAULT"] == 14
    assert {
        values["VECTOR_GENERAL_PROTECTION"]: "general_protection",
        values["VECTOR_PAGE_FAULT"]: "page_fault",
    } == VECTOR_NAMES
