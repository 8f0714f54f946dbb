"""How a run ended, decided from facts alone.

`classify` is pure: who gathers the facts is the machine. The kernel's own words come first,
because whatever follows them (a halt, a reset, a dead QEMU) is their consequence.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Final

from ringbench.ending import Ending, EndKind
from ringbench.machine.process import describe_exit
from ringbench.machine.qmp import Event

OWN_SIGNALS: Final = frozenset(
    {
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGSYS,
        signal.SIGTRAP,
    }
)
"""Signals that a program gets for its own mistakes, which a guest can bring about. All others come
from outside: out of memory is SIGKILL, a limit of time SIGXCPU.
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a run.

    `opening` is "panic" or "exception" if the kernel printed such a block, `exit_status` is
    None while QEMU is there, `has_exit_device` whether the guest can end QEMU by itself,
    `halted` that it cannot go on, `overdue` what did not come in time, `stopped` whether QEMU was
    then a stopped process, `gdb_gone` how gdb ended unasked.
    """

    events: tuple[Event, ...] = ()
    opening: str | None = None
    block: tuple[str, ...] = ()
    exit_status: int | None = None
    has_exit_device: bool = False
    triple_fault_logged: bool = False
    halted: str | None = None
    overdue: str | None = None
    stopped: bool = False
    gdb_gone: str | None = None


def classify(facts: Facts) -> Ending | None:
    """Return how the run ended, or None if it has not."""
    status = facts.exit_status
    if facts.opening is not None:
        kind = EndKind.KERNEL_PANIC if facts.opening == "panic" else EndKind.EXCEPTION
        return Ending(kind, f"{kind.value}: {facts.block[0].strip()}", facts.block, status)
    return (
        _by_events(facts)
        or _by_exit(facts)
        or _when(facts.gdb_gone, EndKind.GDB_DIED, outside=True)
        or _when(facts.halted, EndKind.HALTED)
        or _overdue(facts)
    )


def _when(what: str | None, kind: EndKind, *, outside: bool = False) -> Ending | None:
    return Ending(kind, f"{kind.value}: {what}", outside=outside) if what is not None else None


def _overdue(facts: Facts) -> Ending | None:
    if facts.overdue is not None and facts.stopped:
        what = f"its process is stopped, by SIGSTOP or a debugger; {facts.overdue}"
        return _when(what, EndKind.QEMU_STOPPED, outside=True)
    return _when(facts.overdue, EndKind.HANG)


def _by_events(facts: Facts) -> Ending | None:
    """Judge by QEMU's SHUTDOWN event (QEMU 7.2, qapi/run-state.json, ShutdownCause)."""
    for event in facts.events:
        if event.name == "GUEST_PANICKED":
            return Ending(EndKind.KERNEL_PANIC, "kernel panic: told to QEMU's panic device")
        if event.name != "SHUTDOWN":
            continue
        reason = str(event.data.get("reason"))
        if reason == "guest-shutdown":
            return Ending(
                EndKind.FINISHED, "finished: the guest switched itself off", (), facts.exit_status
            )
        if reason in ("guest-reset", "subsystem-reset"):
            if facts.triple_fault_logged:
                return Ending(
                    EndKind.TRIPLE_FAULT,
                    "triple fault: an exception while another could not be delivered",
                )
            return Ending(EndKind.RESET, "reset: the guest asked for it")
        if reason == "guest-panic":
            return Ending(EndKind.KERNEL_PANIC, "kernel panic: told to QEMU's panic device")
        message = f"QEMU died: told to stop ({reason})"
        return Ending(EndKind.QEMU_DIED, message, outside=reason.startswith("host-"))
    return None


def _by_exit(facts: Facts) -> Ending | None:
    status = facts.exit_status
    if status is None:
        return None
    # QEMU 7.2, hw/misc/debugexit.c: the guest's value v ends QEMU with status 2 v + 1.
    if facts.has_exit_device and status > 0 and status & 1:
        message = f"finished: the guest ended QEMU with value {status >> 1}"
        return Ending(EndKind.FINISHED, message, (), status)
    message = f"QEMU died: {describe_exit(status)}"
    return Ending(EndKind.QEMU_DIED, message, (), status, status < 0 and -status not in OWN_SIGNALS)
