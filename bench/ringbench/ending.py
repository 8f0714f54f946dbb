"""How a run can end, and how one did: plain values, for the machine to find and errors to carry."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class EndKind(enum.Enum):
    """Every way a run can end."""

    FINISHED = "finished"
    KERNEL_PANIC = "kernel panic"
    EXCEPTION = "unhandled exception"
    TRIPLE_FAULT = "triple fault"
    RESET = "reset"
    HALTED = "halted"
    HANG = "hang"
    QEMU_DIED = "QEMU died"
    QEMU_STOPPED = "QEMU stopped"
    GDB_DIED = "gdb died"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: what a person is told, and the kernel's own last words if it had any.

    `exit_status` is QEMU's, once it is gone: minus the signal if one killed it. `outside` says that
    no kernel could bring it about: somebody ended or stopped QEMU or gdb, or memory ran out.
    """

    kind: EndKind
    message: str
    block: tuple[str, ...] = ()
    exit_status: int | None = None
    outside: bool = False
