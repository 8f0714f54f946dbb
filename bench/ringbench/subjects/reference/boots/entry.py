"""A machine frozen between loader and kernel: at the first instruction of the ELF file.

GDB stops it there once, with what QEMU's loader did all done. From then on it is put back for each
boot, in milliseconds, with another story in its memory. Registers are part of the frozen state, so
what sets EAX and EBX is a few bytes of code in low memory, whose numbers change from boot to boot.

Any kernel that QEMU boots with ``-kernel`` can be frozen so.
"""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Final, Self

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.config import Config, override
from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.elf import parse
from ringbench.errors import ConfigError, MachineError
from ringbench.machine import Machine, PaddedMemory, RamMap, Snapshot
from ringbench.observe.processor import read_features, read_registers
from ringbench.subjects.reference.boots.facts import Facts
from ringbench.subjects.reference.boots.handover import Handover, Piece
from ringbench.subjects.reference.check.boot import image_frames, image_segments
from ringbench.subjects.reference.model.state import Sizes
from ringbench.subjects.reference.observe.names import RINGBENCH
from ringbench.subjects.reference.vocabulary.required import require_reference

MACHINE: Final = {"machine.memory": "160M"}
SPLIT: Final = ("-machine", "max-ram-below-4g=128M")
"""RAM on both sides of 4 GiB, and little of it: what is written must be put back."""

STUB: Final = 0x600
"""Where the code is that sets the registers: above the BIOS data area, and nobody's."""


class EntryMachine:
    """A machine that boots its kernel again and again, each time with another handover.

    A context manager. `honest` is the handover that QEMU's own loader makes.

    Raises:
        ConfigError: the image is not one that QEMU boots directly, or the kernel another.
        ImageError, StartError: as for `Machine.launch`.
        MachineError: the guest does not come to its kernel's entry.
    """

    def __init__(self, config: Config, keep: Path | None = None) -> None:
        require_reference(config)
        if config.kernel.is_iso:
            raise ConfigError(f"{config.kernel.image}: a hostile boot needs a kernel, not an ISO")
        arguments = [*config.machine.arguments, *SPLIT]
        self.config = override(config, {**MACHINE, "machine.arguments": arguments})
        self.entry = entry_of(config.kernel.image)
        self.types = Types.load(config.kernel.elf)
        self.machine = Machine.launch(self.config, keep)
        try:
            self._snapshot, self.honest = self._run_to_entry()
            self.facts = self._gather()
        except BaseException:
            self.machine.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the machine."""
        self.machine.close()

    @property
    def memory(self) -> PhysicalMemory:
        """What the processor reads before the kernel's first instruction, whatever came later."""
        frozen = FrozenMemory(self.facts.ram, self._snapshot)
        return PaddedMemory(frozen, self.facts.ram)

    def boot(self, handover: Handover) -> None:
        """Put the machine back to the entry, hand over, and let the kernel boot to its prompt.

        Raises:
            Ended: it did not come to its prompt; the machine can be put back all the same.
            MachineError: the machine is of no use any more.
        """
        self.machine.restore(self._snapshot, run=False)
        stub = Piece(STUB, register_stub(handover.magic, handover.information, self.entry))
        for piece in (*handover.pieces, stub):
            self.machine.memory.write(piece.at, piece.data)
        self.machine.boot()

    def _run_to_entry(self) -> tuple[Snapshot, Handover]:
        gdb = self.machine.gdb
        gdb.break_(f"*{self.entry:#x}", hardware=True, temporary=True)
        gdb.continue_()
        gdb.wait_stop(self.config.deadlines.boot)
        found = gdb.registers()
        if found["rip"] != self.entry:
            raise MachineError(f"the guest stopped at {found['rip']:#x}, not at {self.entry:#x}")
        gdb.set_register("rip", STUB)
        honest = Handover(found["rax"] & 0xFFFFFFFF, found["rbx"] & 0xFFFFFFFF, ())
        return self.machine.freeze(), honest

    def _gather(self) -> Facts:
        elf, names = self.config.kernel.elf, RINGBENCH
        seen = read_features(self.machine, read_registers(self.machine), names.pat)
        return Facts(
            ram=self.machine.ram,
            image=image_frames(elf),
            segments=image_segments(elf),
            features=dataclasses.replace(seen, nx=True),
            sizes=Sizes(task=self.types.struct(names.tasks.task_type).size),
        )


class FrozenMemory:
    """Guest RAM as it was when the guest was frozen."""

    def __init__(self, ram: RamMap, snapshot: Snapshot) -> None:
        self._ram = ram
        self._parts = snapshot.ram

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`.

        Raises:
            MemoryUnreadable: not all of them are RAM.
        """
        first = self._ram.offset(paddr, length)
        data = bytearray(length)
        for offset, content in self._parts:
            start, end = max(offset, first), min(offset + len(content), first + length)
            if start < end:
                data[start - first : end - first] = content[start - offset : end - offset]
        return bytes(data)


def register_stub(eax: int, ebx: int, entry: int) -> bytes:
    """Return 32-bit code, to run at `STUB`, that sets two registers and goes on at `entry`."""
    moves = struct.pack("<BIBI", 0xB8, eax, 0xBB, ebx)  # mov eax, mov ebx
    after = STUB + len(moves) + 5
    return moves + struct.pack("<BI", 0xE9, (entry - after) & 0xFFFFFFFF)  # jmp


def entry_of(image: Path) -> int:
    """Return where an ELF file begins."""
    return int(parse(image).header["e_entry"])
