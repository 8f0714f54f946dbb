"""Where the kernel's ring is and what it looks like: out of DWARF, and the kernel's own tables."""

import struct
from collections.abc import Mapping

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.features import Features
from ringbench.debuginfo.dwarf import Array, Struct, Types
from ringbench.errors import ImageError
from ringbench.machine import Machine
from ringbench.observe.processor import read_registers
from ringbench.observe.reader import GuestReader, c_string
from ringbench.subjects.reference.drive.ring import RingPlace
from ringbench.subjects.reference.drive.ring_format import RingFormat
from ringbench.subjects.reference.observe.names import RINGBENCH, Layout, RingNames

NAME_MAX = 64
"""Bytes within which a command's name ends."""


def locate_ring(
    machine: Machine, types: Types, layout: Layout = RINGBENCH
) -> tuple[RingFormat, RingPlace]:
    """Find the ring of a booted kernel.

    Raises:
        ImageError: the ELF has no such ring, or its structs are not of the form they must have.
        VirtualUnreadable: it is not mapped.
    """
    names = layout.ring
    cr3 = read_registers(machine).cr3
    guest = GuestReader(machine.memory, types, cr3, Features(pat=layout.pat))
    slots = _array(types, names.requests).count or 0
    request, arguments = _layout(types, names.request_type, names.request)
    reply, values = _layout(types, names.reply_type, names.reply)
    ring = RingFormat(
        slots=slots,
        request=request,
        arguments=arguments,
        reply=reply,
        values=values,
        commands=_commands(guest, names),
        handles=_enumerators(types, names.handle_enum),
        handle_bits=types.enum(names.handle_enum).values[names.handle_bits],
        kinds=_enumerators(types, layout.spaces.kind_enum),
        accesses=_enumerators(types, names.access_enum),
        statuses=_enumerators(types, names.status_enum),
        vectors=_enumerators(types, names.vector_enum),
    )
    base = types.locate(names.ring)
    start = _contiguous(guest, base.address, base.type.size)

    def index(path: str) -> tuple[int, int]:
        found = types.locate(path)
        return start + found.address - base.address, found.type.size

    place = RingPlace(
        submitted=index(names.submitted),
        served=index(names.served),
        stop=index(names.stop),
        serving=index(names.serving),
        asleep=index(names.asleep),
        requests=index(names.requests)[0],
        replies=index(names.replies)[0],
    )
    return ring, place


def _array(types: Types, path: str) -> Array:
    found = types.locate(path).type
    if not isinstance(found, Array):
        raise ImageError(f"{path} is not an array, but {found.name}")
    return found


def _layout(types: Types, name: str, members: tuple[str, ...]) -> tuple[struct.Struct, int]:
    """Return the packed form of a struct with these members, and its count of numbers.

    The members are two integers, an array of integers and an array of bytes, in this order.
    """
    type_ = types.struct(name)
    code, end, numbers = "<", 0, 0
    for member in (type_.member(each) for each in members):
        code += f"{member.offset - end}x"
        end = member.offset + member.type.size
        if not isinstance(member.type, Array):
            code += member.type.code
        elif member.type.element.size == 1:
            code += f"{member.type.size}s"
        else:
            numbers = member.type.count or 0
            code += f"{numbers}{member.type.element.code}"
    return struct.Struct(f"{code}{type_.size - end}x"), numbers


def _commands(guest: GuestReader, names: RingNames) -> Mapping[str, int]:
    """Return the place of each command in the kernel's table, by its name there."""
    table = guest.types.locate(names.commands)
    assert isinstance(table.type, Array)
    element = table.type.element
    assert isinstance(element, Struct)
    commands: dict[str, int] = {}
    for number in range(table.type.count or 0):
        record = element.decode(
            guest.virtual.read(table.address + number * element.size, element.size),
            0,
            table.address,
        )
        commands[c_string(guest.virtual.read(record[names.command_name], NAME_MAX))] = number
    return commands


def _enumerators(types: Types, name: str) -> Mapping[str, int]:
    """Return an enumeration by lower-case names without their common first word."""
    values = types.enum(name).values.items()
    return {label.partition("_")[2].lower(): value for label, value in values}


def _contiguous(guest: GuestReader, address: int, length: int) -> int:
    """Return the physical address of a range, which must be in one piece."""
    pages = range(address & -PAGE_SIZE, address + length, PAGE_SIZE)
    found = [guest.paddr_of(page) for page in pages]
    start = found[0]
    if start is None or any(page != start + n * PAGE_SIZE for n, page in enumerate(found)):
        raise ImageError(f"the ring at {address:#x} is not in one piece of physical memory")
    return start + address % PAGE_SIZE
