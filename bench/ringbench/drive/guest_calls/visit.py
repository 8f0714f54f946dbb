"""A guest that is sent into the bench's own memory, and is put back to where it was."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.control import Rflags
from ringbench.drive.guest_calls.layout import Window, leads_to, window
from ringbench.drive.guest_calls.mailbox import Mailbox
from ringbench.drive.guest_calls.place import bring, reaches
from ringbench.drive.guest_calls.wake import wake
from ringbench.errors import MachineError
from ringbench.explain.registers import Cpu
from ringbench.machine import Machine

KEPT: Final = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    *("rip", "eflags"),
)
"""Registers that are put back."""

RED_ZONE: Final = 128
"""Bytes below the stack pointer that a function may use, by the System V ABI."""

BUSY: Final = (
    "its functions are being called (GuestCalls), and its console takes no lines meanwhile"
)

CR3_PWT: Final = 1 << 3
"""A bit of CR3 that decides on caching alone (Intel SDM 3A 4.9)."""

HLT: Final = b"\xf4"
_WORD: Final = 8
_ADDRESS: Final = ((1 << 52) - 1) & ~0xFFF


class Visit:
    """One guest, stopped where calls can be made; `begin` sends it off, `end` puts it back.

    Attributes:
        physical: where the bench's memory is in physical memory.
        window: where the guest sees it.
        root: the physical address of the root table that leads there.
        cpu: the processor, as it was before.
        saved: its registers that are put back, by name.
    """

    def __init__(self, machine: Machine, at: int | None) -> None:
        """Bring a guest to an address, or to where it is at rest.

        Raises:
            MachineError: it does not come there, or calls are not possible there; a guest that
                ran runs on.
            Ended: it has ended.
        """
        self._machine = machine
        self._ran = machine.running
        if machine.ending() is not None:
            raise machine.failure("no calls", "before its functions were called")
        try:
            self.cpu: Cpu = bring(machine, at, machine.config.deadlines.reply)
            self.root = self.cpu["cr3"] & _ADDRESS
            self.physical = machine.own_memory.physical()
            self.window = self._window()
            self.saved: Mapping[str, int] = self._registers()
        except MachineError:
            self._go_on()
            raise

    def begin(self, mailbox: Mailbox, *, interrupts: bool) -> None:
        """Have the guest run the stub, on the stack that it is on.

        Raises:
            MachineError: it sleeps, and nothing wakes it; or QEMU or gdb is gone.
        """
        machine = self._machine
        self._set_entry(self.root, self.window.entry)
        self._send_off(interrupts=interrupts)
        if self.cpu.halted and not wake(machine, mailbox):
            self._set_registers({**self.saved, "rip": self.cpu["rip"]})
            if not reaches(machine, machine.gdb, self.cpu["rip"], machine.config.deadlines.reply):
                self._set_entry(self.root, 0)
                place = machine.names.place(self.cpu["rip"])
                error = MachineError(
                    f"the kernel sleeps in HLT at {place}, and neither the firmware nor its clock "
                    "nor a character on its console wakes it: say with `at` where calls are to be "
                    "made"
                )
                self._go_on()
                raise machine.evidence(error)
            self._send_off(interrupts=interrupts)
        machine.names.lend(self.window.addresses, "guest_calls")
        machine.busy = BUSY
        if not machine.gdb.running:
            machine.gdb.continue_()

    def end(self) -> None:
        """Put the guest back to where it was, and let it run if it did.

        Raises:
            MachineError: QEMU or gdb is gone.
        """
        gdb = self._machine.gdb
        gdb.interrupt()
        self._set_registers(self.saved)
        root = gdb.register("cr3")
        for each in {self.root, root & _ADDRESS}:
            self._set_entry(each, 0)
        for value in (root ^ CR3_PWT, root):  # has QEMU forget what it knew by that entry;
            gdb.set_register("cr3", value)  # what changes nothing, gdb would not write
        self._machine.busy = ""
        self._go_on()

    def give_up(self) -> None:
        """Leave a guest in which a call ended badly where it is, stopped, without the entry."""
        with suppress(MachineError):
            if self._machine.is_there and self._machine.running:  # it hangs, or is halted
                self._machine.gdb.interrupt()
            self._set_entry(self.root, 0)
        self._machine.busy = ""

    def _window(self) -> Window:
        root = self._machine.memory.read(self.root, PAGE_SIZE)
        found = window(root, self.physical)
        why = "" if found else "its root table has no entry free for the bench's memory"
        if leads_to(root, self.physical):
            why = "its functions are being called already"
        if found is None or why:
            error = MachineError(f"the kernel's functions cannot be called: {why}")
            raise self._machine.evidence(error)
        return found

    def _registers(self) -> dict[str, int]:
        """Return what is to be put back.

        A processor that sleeps for good is to execute its HLT once more. One that could be woken
        goes on behind it, as after any interrupt: one that came just before that HLT would be
        served, and the kernel would sleep over it.
        """
        gdb = self._machine.gdb
        registers = gdb.registers()
        before = registers["rip"] - 1
        if self.cpu.asleep_for_good and gdb.read_memory(before, 1) == HLT:
            registers["rip"] = before
        return {name: registers[name] for name in KEPT}

    def _send_off(self, *, interrupts: bool) -> None:
        flags = self.saved["eflags"] & ~(Rflags.IF | Rflags.TF)
        self._set_registers(
            {
                "rip": self.window.code,
                "rsp": (self.saved["rsp"] - RED_ZONE) & ~0xF,
                "eflags": flags | Rflags.IF if interrupts else flags,
            }
        )

    def _go_on(self) -> None:
        if self._ran and not self._machine.running:
            self._machine.gdb.continue_()

    def _set_entry(self, root: int, entry: int) -> None:
        address = root + _WORD * self.window.slot
        self._machine.memory.write(address, entry.to_bytes(_WORD, "little"))

    def _set_registers(self, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            self._machine.gdb.set_register(name, value)
