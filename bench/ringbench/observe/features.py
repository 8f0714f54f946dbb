"""What a running machine's processor is, as far as paging is concerned."""

from typing import Any, Protocol

from ringbench.arch.x86_64.control import Efer
from ringbench.arch.x86_64.features import PAT_AT_RESET, Features
from ringbench.observe.registers import Registers


class Qmp(Protocol):
    """The part of a QMP connection that is needed here."""

    def command(self, name: str, **arguments: object) -> Any:
        """Perform one QMP command and return its result."""


def features_of(qmp: Qmp, registers: Registers, pat: int = PAT_AT_RESET) -> Features:
    """Ask QEMU for the first CPU's properties.

    QEMU does not tell the PAT register: `pat` is what the kernel is known to load, if it does.
    """
    (cpu, *_) = qmp.command("query-cpus-fast")
    path = cpu["qom-path"]

    def property_(name: str) -> Any:
        return qmp.command("qom-get", path=path, property=name)

    return Features(
        physical_bits=int(property_("phys-bits")),
        gib_pages=bool(property_("pdpe1gb")),
        nx=bool(registers.efer & Efer.NXE),
        pat=pat,
    )
