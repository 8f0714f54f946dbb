"""Bringing a guest to where its functions can be called.

That is a place of the caller's choosing (a breakpoint), or else where the kernel is at rest: it
sleeps in HLT, or waits in a loop with interrupts on.
"""

from __future__ import annotations

import time
from typing import Final

from ringbench.arch.x86_64.control import Rflags
from ringbench.errors import GdbTimeout, MachineError
from ringbench.explain.registers import Cpu, parse_cpus
from ringbench.machine import Gdb, Machine

TRIES: Final = 20
"""How often a guest that is in the middle of something is looked at again."""

PAUSE_SECONDS: Final = 0.005
TICK_SECONDS: Final = 0.1
"""How long a kernel that may be asleep is given to wake by itself."""


def bring(machine: Machine, at: int | None, seconds: float) -> Cpu:
    """Stop the guest where calls can be made: at an address, or at rest; return its processor.

    Raises:
        MachineError: it does not come there, or calls are not possible there.
    """
    gdb = machine.gdb
    gdb.interrupt()
    if at is not None:
        _run_to(machine, gdb, at, seconds)
    else:
        _rest(machine, gdb)
    return _processor(machine)


def _run_to(machine: Machine, gdb: Gdb, at: int, seconds: float) -> None:
    if not reaches(machine, gdb, at, seconds):
        raise machine.evidence(
            MachineError(
                f"calls were to be made at {machine.names.place(at)}, and the kernel did not come "
                f"there within {seconds:g} s of being ready: leave `at` out, or name a function "
                "that it comes to again and again, as of its idle loop or its clock"
            )
        )


def _rest(machine: Machine, gdb: Gdb) -> None:
    for _ in range(TRIES):
        flags, user = gdb.register("eflags"), gdb.register("cs") & 3
        if any(cpu.halted and cpu.number == 0 for cpu in processors(machine)):
            return
        if flags & Rflags.IF and not user:
            return
        gdb.continue_()
        time.sleep(PAUSE_SECONDS)
        gdb.interrupt()


def reaches(machine: Machine, gdb: Gdb, address: int, seconds: float) -> bool:
    """Let the guest run to an address; return whether it came there.

    If it does not by itself, a NUL is typed, which consoles ignore: that wakes most kernels.
    """
    breakpoint = gdb.break_(f"*{address:#x}", hardware=True, temporary=True)
    gdb.continue_()
    for wait in (min(seconds, TICK_SECONDS), seconds):
        try:
            gdb.wait_stop(wait)
        except GdbTimeout:
            machine.serial.nudge()
        else:
            return True
    gdb.interrupt()
    gdb.delete(breakpoint)
    return False


def _processor(machine: Machine) -> Cpu:
    """Return the processor that can make calls.

    Raises:
        MachineError: it is in no state to, or another one runs as well.
    """
    here = machine.gdb.register("rip")
    cpus = processors(machine)
    cpu = next((each for each in cpus if each["rip"] == here), cpus[0])
    others = [each for each in cpus if each.number != cpu.number and not each.halted]
    why = ""
    if not cpu.runs_64_bit:
        why = "the guest does not run 64-bit code"
    elif cpu.five_levels:
        why = "the guest's page tables have five levels, and guest calls know four"
    elif cpu.segment("CS").selector & 3:
        why = f"the guest is in a program, at {here:#x}: say with `at` where calls are to be made"
    elif others:
        why = (
            f"processor {others[0].number} runs as well, at {machine.names.place(others[0].pc)}, "
            "and could be in the middle of what is called: start the machine with one (-smp 1)"
        )
    if why:
        raise machine.evidence(MachineError(f"the kernel's functions cannot be called: {why}"))
    return cpu


def processors(machine: Machine) -> tuple[Cpu, ...]:
    """Return all processors of a guest."""
    return parse_cpus(machine.qmp.hmp("info registers -a"))
