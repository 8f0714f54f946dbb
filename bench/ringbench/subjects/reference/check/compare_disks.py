"""Disks against the model: what the kernel keeps of each, and every byte that each holds.

What a disk holds is read by the host from the files that QEMU writes; the guest has no part in it.
"""

from typing import Final

from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.check.mismatch import Finding
from ringbench.machine import Machine
from ringbench.machine.disks import changes, first_contents, virtio_disks
from ringbench.subjects.reference.model.disk import held
from ringbench.subjects.reference.model.state import Disk, KernelState
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE, SECTOR_SIZE
from ringbench.subjects.reference.vocabulary.handles import disk_handle

COMMON_AT: Final = 0x0
NOTIFY_AT: Final = 0x3000
"""Where in a virtio device's modern BAR its registers are (QEMU 7.2, hw/virtio/virtio-pci.c)."""


def found_disks(machine: Machine) -> tuple[Disk, ...]:
    """Return the disks of a machine as the model has them before the kernel sets them up.

    Raises:
        ConfigError: one of them has no serial string, or no raw image.
        QmpError: QEMU is gone.
    """
    if not any(disk.interface == "virtio" for disk in machine.config.machine.disks):
        return ()
    return tuple(
        Disk(
            serial=disk.serial,
            sectors=disk.size // SECTOR_SIZE,
            read_only=disk.read_only,
            place=(disk.registers, disk.length),
            image=first_contents(machine, disk),
        )
        for disk in virtio_disks(machine)
    )


def compare_disk(picture: Picture, state: KernelState) -> Comparison:
    """Compare what the kernel keeps of each disk, and the counts in its queue."""
    tally, names = Comparison("disk"), picture.layout.disks
    tally.equal("disks", len(state.disks), len(picture.disks), names.count)
    for number, (disk, seen) in enumerate(zip(state.disks, picture.disks, strict=False)):
        where = disk_handle(number)
        tally.equal("serial string", disk.serial, seen.serial, where)
        tally.equal("sectors", disk.sectors, seen.sectors, where)
        tally.equal("read-only, can flush", (disk.read_only, True), seen.flags, where)
        tally.equal("registers", disk.registers, seen.registers, where, hexadecimal)
        common, notify = disk.registers + COMMON_AT, disk.registers + NOTIFY_AT
        tally.equal("common registers", common, seen.common, where, hexadecimal)
        tally.equal("notification", notify, seen.notify, where, hexadecimal)
        tally.equal("queue", disk.queue, seen.queue, where, hexadecimal)
        tally.equal("requests", disk.requests, seen.requests, where)
        tally.equal("no interrupts", 1, seen.quiet, where)
        index = disk.requests % (1 << 16)
        tally.equal("requests told", index, seen.told, where)
        tally.equal("requests done", index, seen.done, where)
    return tally


def compare_held(machine: Machine, state: KernelState) -> Finding:
    """Compare every byte of every disk of a stopped machine with what it must hold.

    Raises:
        ImageError: QEMU has left no image where a disk must be.
        QmpError: QEMU is gone.
    """
    tally = Comparison("disk")
    if state.disks:
        for number, (disk, found) in enumerate(
            zip(state.disks, virtio_disks(machine), strict=True)
        ):
            _compare_bytes(tally, disk, dict(changes(machine, found.number)), disk_handle(number))
    return tally.done()


def _compare_bytes(tally: Comparison, disk: Disk, seen: dict[int, bytes], name: str) -> None:
    """Compare what QEMU has written, and what the model says was: each page of the disk once."""
    pages = {
        at // FRAME_SIZE + n for at, data in seen.items() for n in range(len(data) // FRAME_SIZE)
    }
    sizes = {len(data) for data in seen.values()} or {FRAME_SIZE}
    [piece] = sizes
    for page in sorted(pages | disk.written.keys()):
        at = page * FRAME_SIZE
        if at >= disk.sectors * SECTOR_SIZE:
            continue  # the rest of QEMU's last piece
        expected = held(disk, at // SECTOR_SIZE, FRAME_SIZE // SECTOR_SIZE)
        start = at // piece * piece
        data = seen.get(start)
        if data is None:
            found = disk.image[at : at + FRAME_SIZE].ljust(FRAME_SIZE, b"\0")
        else:
            found = data[at - start : at - start + FRAME_SIZE]
        tally.comparisons += 1
        if found != expected:
            for sector in range(FRAME_SIZE // SECTOR_SIZE):
                low = sector * SECTOR_SIZE
                one, other = (each[low : low + SECTOR_SIZE] for each in (expected, found))
                where = f"{name}: sector {at // SECTOR_SIZE + sector}"
                tally.equal("contents", one, other, where, _shown)


def _shown(data: bytes) -> str:
    return f"{data[:16].hex()}..."
