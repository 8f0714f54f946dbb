"""The disks that the kernel found, as its memory has them."""

from dataclasses import dataclass
from typing import Final

from ringbench.debuginfo.dwarf import Record
from ringbench.observe.reader import GuestReader, c_string, member
from ringbench.subjects.reference.observe.names import DiskNames
from ringbench.subjects.reference.vocabulary.constants import DIRECT_MAP_BASE, DISKS_MAX

LAYER: Final = "disk"


@dataclass(frozen=True, slots=True)
class SeenDisk:
    """A disk: addresses are virtual, but for `queue`, which is its frame's physical one.

    Attributes:
        flags: whether it is read-only, and whether it can flush.
        quiet: whether the device is told not to interrupt; None if the queue is not readable.
        told, done: how many requests the kernel has told the device of, and the device has done,
            modulo 2^16.
    """

    serial: str
    sectors: int
    flags: tuple[bool, bool]
    registers: int
    common: int
    notify: int
    queue: int
    requests: int
    quiet: int | None
    told: int | None
    done: int | None


def read_disks(guest: GuestReader, names: DiskNames) -> tuple[SeenDisk, ...]:
    """Read the disks."""
    count = guest.integer(names.count)
    if count > DISKS_MAX:
        guest.note(LAYER, f"{count} disks, of at most {DISKS_MAX}", names.count)
        count = 0
    records = guest.types.value(guest.virtual, names.all)
    return tuple(_read_disk(guest, names, records[number], number) for number in range(count))


def _read_disk(guest: GuestReader, names: DiskNames, record: Record, number: int) -> SeenDisk:
    device = record[names.device]
    assert isinstance(device, Record)
    where = f"d{number}"
    queue = member(device, names.queue)
    seen = guest.record(queue, names.queue_type)
    if seen is None:
        guest.note(LAYER, f"the queue at {queue:#x} is not readable", where)
    flags = tuple(_boolean(guest, device, names, name, where) for name in names.flags)
    return SeenDisk(
        serial=c_string(record[names.serial]),
        sectors=member(device, names.sectors),
        flags=(flags[0], flags[1]),
        registers=member(record, names.registers),
        common=member(device, names.common),
        notify=member(device, names.notify),
        queue=queue - DIRECT_MAP_BASE,
        requests=member(device, names.requests),
        quiet=_in_queue(seen, names.told, names.queue_flags),
        told=_in_queue(seen, names.told, names.index),
        done=_in_queue(seen, names.done, names.index),
    )


def _boolean(guest: GuestReader, device: Record, names: DiskNames, name: str, where: str) -> bool:
    offset, _ = guest.types.offset(guest.struct(names.device_type), name)
    number = int.from_bytes(guest.virtual.read(device.address + offset, 1), "little")
    if number > 1:
        guest.note(LAYER, f"{name} is {number}", where)
    return bool(number)


def _in_queue(queue: Record | None, half: str, name: str) -> int | None:
    if queue is None:
        return None
    part = queue[half]
    assert isinstance(part, Record)
    return member(part, name)
