"""The open files, and their pages in memory, as the kernel's memory has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.dwarf import Record
from ringbench.errors import MemoryUnreadable
from ringbench.observe.reader import GuestReader, c_string, member
from ringbench.subjects.reference.observe.names import FileNames

LAYER: Final = "file"
ENTRY: Final = 8


@dataclass(frozen=True, slots=True)
class SeenFile:
    """An open file; `entries` has what its index says of each page, by number, but for zeros."""

    name: str
    size: int
    sector: int
    disk: int
    references: int
    index: int
    entries: Mapping[int, int]


def read_files(guest: GuestReader, names: FileNames) -> Mapping[int, SeenFile]:
    """Read the open files, by number."""
    records = guest.types.value(guest.virtual, names.all)
    found = {}
    for number, record in enumerate(records):
        if member(record, names.references):
            found[number] = _read_file(guest, names, record, f"f{number}")
    return found


def _read_file(guest: GuestReader, names: FileNames, record: Record, where: str) -> SeenFile:
    index = member(record, names.index)
    entries: dict[int, int] = {}
    try:
        data = guest.memory.read(index, PAGE_SIZE)
    except MemoryUnreadable:
        guest.note(LAYER, f"the index at {index:#x} is not memory", where)
        data = b""
    for at in range(0, len(data), ENTRY):
        entry = int.from_bytes(data[at : at + ENTRY], "little")
        if entry:
            entries[at // ENTRY] = entry
    return SeenFile(
        name=c_string(record[names.name]),
        size=member(record, names.size),
        sector=member(record, names.sector),
        disk=member(record, names.disk),
        references=member(record, names.references),
        index=index,
        entries=entries,
    )
