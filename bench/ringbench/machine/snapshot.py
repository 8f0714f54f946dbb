"""Freezing a booted guest and putting it back in milliseconds: the parts, used by `Machine`.

The guest's RAM and the rest of it are kept apart. RAM is a file that the bench has mapped, so the
bench copies what is not a hole of it, and on the way back makes a hole again of what has been
touched since. The devices and the processor are QEMU's to save: as an internal snapshot in a small
qcow2 image, with the capability ``x-ignore-shared``, which leaves RAM out. Of the ways that QEMU
has, this is the one that loads into a QEMU that runs: `migrate` wants a new process for each load,
and ``xen-load-devices-state`` ends QEMU 7.2 with a failed assertion.

Loading resets every device first, so nothing of the life before can stay in one, not even what
QEMU's device has no field for in the stream. The reset also writes the kernel's image to RAM
again, so RAM is put back after it; with a virtio disk also before, because QEMU sees then whether
the disk's queue, which is in RAM, goes with its state. Code that QEMU had translated is dropped
with the load.

Reference: QEMU 7.2, migration/savevm.c (load_snapshot), qapi/migration.json (snapshot-save).
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ringbench.errors import MachineError, QmpError
from ringbench.machine.deadline import Deadline
from ringbench.machine.memory import data_parts
from ringbench.machine.qcow2 import write_qcow2
from ringbench.machine.qmp import Qmp

NODE = "ringbench-state"  # QEMU's name of the image
LOOK_SECONDS = 0.0005  # between two looks at a job; it has mostly ended before the first

Parts = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A guest at one moment, for the machine that froze it and no other.

    Attributes:
        owner: the private folder of that machine.
        tag: QEMU's name for the state of processor and devices.
        ram: what RAM held, offset and bytes; the rest was zero and had never been touched.
        transcripts: what had been said on each output.
        watched: what a microscope had seen by then, offset and bytes.
        heard: how many of QEMU's events there had been, and how many of them had been polled.
    """

    owner: Path
    tag: str
    ram: Parts
    transcripts: Mapping[str, bytes]
    heard: tuple[int, int]
    watched: Parts = ()


class DeviceStates:
    """The states of processor and devices that one QEMU keeps, in an image in `folder`.

    The disks that are `overlays`, by QEMU's names of them, are saved and put back as well.
    """

    def __init__(
        self, qmp: Qmp, folder: Path, seconds: float, overlays: tuple[str, ...] = ()
    ) -> None:
        self._qmp = qmp
        self._overlays = overlays
        self._image = folder / "state.qcow2"
        self._seconds = seconds
        self._count = 0

    def save(self) -> str:
        """Save the state of the stopped guest; return the tag to load it by.

        Raises:
            MachineError: the guest can write to a disk, which would not be put back.
            QmpError: a device of this guest cannot be saved.
        """
        if self._count == 0:
            self._require_no_disks()
            self._attach()
        self._count += 1
        tag = f"frozen-{self._count}"
        self._job("snapshot-save", tag)
        return tag

    def load(self, tag: str) -> None:
        """Put the stopped guest into a saved state, all but its RAM.

        Raises:
            QmpError: QEMU is gone, or cannot; the guest is then of no use any more.
        """
        if any(event.name == "SHUTDOWN" for event in self._qmp.events()):
            self._revive()
        self._job("snapshot-load", tag)

    def _require_no_disks(self) -> None:
        for disk in self._qmp.command("query-block"):
            inserted = disk.get("inserted")
            flash = str(disk["device"]).startswith("pflash")  # what it holds counts as RAM
            ours = inserted is not None and inserted.get("node-name") in self._overlays
            if inserted is not None and not inserted["ro"] and not flash and not ours:
                raise MachineError(
                    f"the guest cannot be frozen: it can write to {inserted['file']!r}, which "
                    "would not be put back; make that drive read-only"
                )

    def _attach(self) -> None:
        write_qcow2(self._image, 1 << 16)
        self._qmp.command(
            "blockdev-add",
            driver="qcow2",
            node_name=NODE,
            file={"driver": "file", "filename": str(self._image), "cache": {"no-flush": True}},
        )
        ignore_shared = {"capability": "x-ignore-shared", "state": True}
        self._qmp.command("migrate-set-capabilities", capabilities=[ignore_shared])

    def _revive(self) -> None:
        """Get QEMU out of a state that only a reset leads out of: the guest had shut down.

        A reset is what the bench has QEMU take for a shutdown, so for this one it has not.
        """
        deadline = Deadline(self._seconds)
        self._qmp.command("set-action", reboot="reset")
        self._qmp.command("system_reset")
        while self._qmp.status() != "prelaunch":
            if deadline.expired:
                raise self._qmp.evidence(QmpError("QEMU did not reset the guest"))
            time.sleep(LOOK_SECONDS)
        self._qmp.command("set-action", reboot="shutdown")

    def _job(self, name: str, tag: str) -> None:
        """Have QEMU do one of its jobs, which tells how it goes by events."""
        deadline = Deadline(self._seconds)
        job = f"{name}-{tag}"
        first = len(self._qmp.events())
        self._qmp.command(name, job_id=job, tag=tag, vmstate=NODE, devices=[NODE, *self._overlays])
        while "concluded" not in (told := self._told(job, first)):
            self._qmp.wait_event(deadline)
        [found] = self._qmp.command("query-jobs") if "aborting" in told else [{}]
        self._qmp.command("job-dismiss", id=job)
        if "error" in found:
            raise self._qmp.evidence(QmpError(f"QEMU cannot do {name!r}: {found['error']}"))

    def _told(self, job: str, first: int) -> set[str]:
        """Return what the job has become, one after another; `first` is where to begin."""
        events = self._qmp.events()[first:]
        return {event.data["status"] for event in events if event.data.get("id") == job}


def save_ram(descriptor: int, mapping: mmap.mmap) -> Parts:
    """Return what the file behind guest RAM holds, but for its holes."""
    parts = data_parts(descriptor, 0, len(mapping))
    return tuple((start, mapping[start:end]) for start, end in parts)


def restore_ram(descriptor: int, mapping: mmap.mmap, saved: Parts) -> None:
    """Make the file behind guest RAM what it was, holes included."""
    for start, end in data_parts(descriptor, 0, len(mapping)):
        for gap, length in _gaps(start, end, saved):
            mapping.madvise(mmap.MADV_REMOVE, gap, length)
    for start, content in saved:
        mapping[start : start + len(content)] = content


def _gaps(start: int, end: int, saved: Parts) -> list[tuple[int, int]]:
    """Return offset and length of what lies between `start` and `end` and in no saved part."""
    gaps = []
    for first, content in saved:
        if first >= end:
            break
        if first > start:
            gaps.append((start, first - start))
        start = max(start, first + len(content))
    if start < end:
        gaps.append((start, end - start))
    return gaps
