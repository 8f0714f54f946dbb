"""One QEMU and everything that belongs to it; `Machine.start` boots a kernel to its prompt."""

from ringbench.ending import Ending, EndKind
from ringbench.machine.deadline import Deadline
from ringbench.machine.found import Found
from ringbench.machine.gdb import Gdb
from ringbench.machine.machine import Machine
from ringbench.machine.memory import (
    BytesMemory,
    FileMemory,
    GdbMemory,
    MappedMemory,
    PaddedMemory,
    QmpMemory,
)
from ringbench.machine.mi import Breakpoint, Frame, StopEvent
from ringbench.machine.pool import Pool
from ringbench.machine.qmp import Event, Qmp
from ringbench.machine.ram import RamMap, RamRange
from ringbench.machine.snapshot import Snapshot
from ringbench.machine.verdict import Verdict

__all__ = [
    "Breakpoint",
    "BytesMemory",
    "Deadline",
    "EndKind",
    "Ending",
    "Event",
    "FileMemory",
    "Found",
    "Frame",
    "Gdb",
    "GdbMemory",
    "Machine",
    "MappedMemory",
    "PaddedMemory",
    "Pool",
    "Qmp",
    "QmpMemory",
    "RamMap",
    "RamRange",
    "Snapshot",
    "StopEvent",
    "Verdict",
]
