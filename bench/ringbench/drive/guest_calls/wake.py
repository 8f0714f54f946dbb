"""Waking a processor that sleeps in HLT, so that the kernel does not notice.

QEMU keeps a processor asleep wherever a debugger sends it, until an interrupt comes that it takes.
An ordinary one would run the kernel's handler, and with interrupts off there is none. But a system
management interrupt is taken always, and served by the firmware in memory that the kernel does not
see; then the processor goes on where it has been sent. It is raised as ACPI has it, by a write to
port 0xb2, which QEMU's monitor makes. SeaBIOS, the BIOS of QEMU's, ignores the command 0; without a
firmware that serves such interrupts, none is raised: the processor would run whatever is there.

Reference: QEMU 7.2, hw/isa/apm.c, hw/acpi/piix4.c; SeaBIOS, src/fw/smm.c.
"""

from __future__ import annotations

import time
from typing import Final

from ringbench.drive.guest_calls.mailbox import Mailbox
from ringbench.machine import Deadline, Machine

RAISE: Final = "o /b 0xb2 0"
WAKE_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 0.001


def wake(machine: Machine, mailbox: Mailbox) -> bool:
    """Have a stopped guest that was sent to the stub wake there; return whether it did.

    If it did it runs; if not, it is stopped and asleep as it was.

    Raises:
        MachineError: QEMU or gdb is gone.
    """
    if not _is_served(machine):
        return False
    machine.qmp.hmp(RAISE)
    machine.gdb.continue_()
    deadline = Deadline(WAKE_SECONDS)
    while not deadline.expired:
        if mailbox.begun:
            return True
        time.sleep(LOOK_SECONDS)
    machine.gdb.interrupt()
    if begun := mailbox.begun:  # it took its time
        machine.gdb.continue_()
    return begun


def _is_served(machine: Machine) -> bool:
    """Whether the firmware serves system management interrupts."""
    settings = machine.config.machine
    if settings.firmware != "bios" or not settings.accelerator.startswith("tcg"):
        return False
    return machine.qmp.command("qom-get", path="/machine", property="smm") in ("on", "auto")
