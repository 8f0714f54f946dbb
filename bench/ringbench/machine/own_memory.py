"""Memory of the bench's own that a guest can see: a device on its PCI bus, mapped here as well.

The firmware gives it a physical address, which is outside RAM: the kernel's memory map does not
have it, and nothing of the kernel's is in it. Freezing and restoring leave its contents alone.

Reference: QEMU 7.2, docs/specs/ivshmem-spec.txt.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, Final

from ringbench.errors import MachineError
from ringbench.machine.qmp import Qmp

VENDOR: Final = 0x1AF4
DEVICE: Final = 0x1110
BAR: Final = 2
"""What of the device is the memory; its registers are of no use here."""


class OwnMemory:
    """The bench's side of it: `mapping` has the bytes, `physical` says where the guest has them."""

    def __init__(self, descriptor: int, qmp: Qmp) -> None:
        self.mapping = mmap.mmap(descriptor, 0)
        self._qmp = qmp

    def physical(self) -> int:
        """Return the address that the device has now; the kernel may have given it another.

        Raises:
            MachineError: it has none, or the kernel has taken the device off the bus.
        """
        for region in self._regions():
            if region["bar"] == BAR and 0 < region["address"] < 1 << 52:
                return int(region["address"])
        raise self._qmp.evidence(
            MachineError(
                "guest calls need memory of the bench's own on the PCI bus, and neither the "
                "firmware nor the kernel has given that an address"
            )
        )

    def _regions(self) -> Iterator[dict[str, Any]]:
        buses = list(self._qmp.command("query-pci"))
        while buses:
            for device in buses.pop().get("devices", ()):
                if device["id"]["vendor"] == VENDOR and device["id"]["device"] == DEVICE:
                    yield from device["regions"]
                buses += [bridge] if (bridge := device.get("pci_bridge")) else []
