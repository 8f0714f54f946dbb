"""What the loader told the kernel, and the processor it found."""

from dataclasses import dataclass

from ringbench.debuginfo.dwarf import Array, Record, read_array
from ringbench.observe.reader import GuestReader, c_string, member
from ringbench.subjects.reference.observe.names import BootNames
from ringbench.subjects.reference.vocabulary.boot_values import MemoryRange, Module

LAYER = "machine"


@dataclass(frozen=True, slots=True)
class SeenMemoryMap:
    """The memory map that the kernel made; what is in no range below `limit` (bytes) is a hole."""

    limit: int
    ranges: tuple[MemoryRange, ...]


@dataclass(frozen=True, slots=True)
class SeenBoot:
    """What the kernel keeps of what was there before it.

    Attributes:
        loader: the kernel's number for the loader.
        information: physical address of what the loader handed over.
        physical_bits: width of a physical address.
        gib_pages, no_execute: whether the processor has 1 GiB pages, and the no-execute bit.
        smep, smap, umip: whether the processor can keep the kernel from a program's pages, and a
            program from the addresses of the descriptor tables.
    """

    loader: int
    information: int
    command_line: str
    modules: tuple[Module, ...]
    map: SeenMemoryMap
    physical_bits: int
    gib_pages: bool
    no_execute: bool
    smep: bool
    smap: bool
    umip: bool


def read_boot(guest: GuestReader, names: BootNames) -> SeenBoot:
    """Read what the kernel kept of the loader's information."""
    return SeenBoot(
        loader=guest.integer(names.loader),
        information=guest.integer(names.information),
        command_line=guest.text(names.command_line),
        modules=_read_modules(guest, names),
        map=_read_map(guest, names),
        physical_bits=guest.integer(names.physical_bits),
        gib_pages=guest.boolean(LAYER, names.gib_pages),
        no_execute=guest.boolean(LAYER, names.no_execute),
        smep=guest.boolean(LAYER, names.smep),
        smap=guest.boolean(LAYER, names.smap),
        umip=guest.boolean(LAYER, names.umip),
    )


def _read_modules(guest: GuestReader, names: BootNames) -> tuple[Module, ...]:
    return tuple(
        Module(
            member(record, names.module_base),
            member(record, names.module_length),
            c_string(record[names.module_name]),
        )
        for record in _counted(guest, names.modules, names.module_count)
    )


def _read_map(guest: GuestReader, names: BootNames) -> SeenMemoryMap:
    values = guest.types.enum(names.kind_enum).values
    kinds = {values[constant]: kind for kind, constant in names.kinds.items()}
    ranges = []
    for index, record in enumerate(_counted(guest, names.map_ranges, names.map_count)):
        number = member(record, names.range_kind)
        if number not in kinds:
            guest.note(LAYER, f"memory kind {number} does not exist", f"memory map {index}")
        base, length = member(record, names.range_base), member(record, names.range_length)
        ranges.append(MemoryRange(base, length, kinds.get(number, number)))
    return SeenMemoryMap(guest.integer(names.map_limit), tuple(ranges))


def _counted(guest: GuestReader, array: str, count: str) -> list[Record]:
    """Return the first `count` records of a global array; all of them if the count can't be."""
    found = guest.types.locate(array)
    assert isinstance(found.type, Array)
    room, wanted = found.type.count or 0, guest.integer(count)
    if wanted > room:
        guest.note(LAYER, f"{count} is {wanted}, the array has {room}", count)
    return read_array(guest.virtual, found.address, found.type.element, min(wanted, room))
