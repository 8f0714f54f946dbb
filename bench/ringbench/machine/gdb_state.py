"""What of a stopped guest gdb reads and sets: memory, by either kind of address, and registers."""

from __future__ import annotations

from collections.abc import Sequence

from ringbench.errors import Evidence, GdbRefused, no_evidence
from ringbench.machine import mi
from ringbench.machine.gdb_pipe import GdbPipe
from ringbench.machine.process import Process

MASK64 = (1 << 64) - 1
CHUNK = 1 << 16  # bytes of guest memory asked for in one command
# What `registers` gives; parts of registers (eax, al) and floating point have names as well.
REGISTERS = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    *("rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base", "k_gs_base"),
    *("cr0", "cr2", "cr3", "cr4", "cr8", "efer"),
)


class GdbState(GdbPipe):
    """A gdb that has a guest's memory and registers, while the guest is stopped."""

    def __init__(self, process: Process, seconds: float, evidence: Evidence = no_evidence) -> None:
        super().__init__(process, seconds, evidence)
        self._register_names: dict[str, int] = {}

    def read_memory(self, vaddr: int, length: int) -> bytes:
        """Return `length` bytes at virtual address `vaddr`, as the guest's page tables map it.

        Raises:
            GdbRefused: a byte of them is not mapped.
        """
        parts = []
        for at in range(vaddr, vaddr + length, CHUNK):
            size = min(CHUNK, vaddr + length - at)
            found = self.execute(f"-data-read-memory-bytes {at:#x} {size}")
            try:
                parts.append(mi.memory_of(found, at, size))
            except ValueError as error:
                raise self._evidence(GdbRefused(f"cannot read memory: {error}")) from None
        return b"".join(parts)

    def write_memory(self, vaddr: int, data: bytes) -> None:
        """Write `data` to virtual address `vaddr`; page permissions do not stop a debugger.

        Raises:
            GdbRefused: a byte of the range is not mapped.
        """
        for at in range(0, len(data), CHUNK):
            part = data[at : at + CHUNK]
            self.execute(f"-data-write-memory-bytes {vaddr + at:#x} {part.hex()}")

    def read_physical(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at physical address `paddr`, whatever paging says.

        Raises:
            GdbRefused: there is nothing at that address.
        """
        self._physical(True)
        try:
            return self.read_memory(paddr, length)
        finally:
            self._physical(False)

    def write_physical(self, paddr: int, data: bytes) -> None:
        """Write `data` to physical address `paddr`.

        Raises:
            GdbRefused: there is nothing at that address.
        """
        self._physical(True)
        try:
            self.write_memory(paddr, data)
        finally:
            self._physical(False)

    def _physical(self, on: bool) -> None:
        """Switch QEMU's stub between virtual and physical addresses (QEMU manual, "GDB usage")."""
        said = self.console(f"maintenance packet Qqemu.PhyMemMode:{int(on)}")
        if '"OK"' not in said:
            raise self._evidence(GdbRefused(f"no physical memory access: {said.strip()}"))

    def registers(self) -> dict[str, int]:
        """Return the integer registers by name: general, segment, control, `efer`."""
        known = self._names()
        names = {name: known[name] for name in REGISTERS if name in known}
        wanted = " ".join(str(number) for number in names.values())
        found = self.execute(f"-data-list-register-values x {wanted}")["register-values"]
        values = {int(entry["number"]): entry["value"] for entry in found}
        return {name: int(values[number], 0) for name, number in names.items()}

    def register(self, name: str) -> int:
        """Return one register, by the name that gdb has for it.

        Raises:
            GdbRefused: no register of that name has an integer value.
        """
        names = self._names()
        if name not in names:
            raise self._evidence(GdbRefused(f"no integer register is called {name!r}"))
        found = self.execute(f"-data-list-register-values x {names[name]}")
        return int(found["register-values"][0]["value"], 0)

    def set_register(self, name: str, value: int) -> None:
        """Set one register.

        Raises:
            GdbRefused: there is no such register.
        """
        self.register(name)
        # Not an assignment: gdb types some registers as flags, which take no plain number.
        self.execute(f"-data-write-register-values x {self._names()[name]} {value & MASK64:#x}")

    def _names(self) -> dict[str, int]:
        """Return the numbers of the registers that hold an integer, asked once."""
        if not self._register_names:
            names: Sequence[str] = self.execute("-data-list-register-names")["register-names"]
            values = self.execute("-data-list-register-values x")["register-values"]
            whole = {int(v["number"]) for v in values if v["value"].startswith("0x")}
            self._register_names = {n: i for i, n in enumerate(names) if n and i in whole}
        return self._register_names
