"""A guest's console for one other program: a socket on which it is heard and typed at.

What was said before is told first. Nothing is served of itself: whoever waits for the guest's
outputs (`Outputs.wait`) serves this as well.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Self

from ringbench.errors import MachineError
from ringbench.machine.machine import Machine

READ = 4096
TAKE_SECONDS = 1.0  # a program that does not take what it is told for so long is let go


class Relay:
    """Listens at `socket`, in the guest's private folder, for the length of a ``with``."""

    def __init__(self, guest: Machine) -> None:
        self.socket: Path = guest.private / "con"
        self._guest = guest
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._client: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listener.bind(str(self.socket))
        self._listener.listen(1)
        self._guest.outputs.watch(self._listener.fileno(), self._accept)
        self._guest.outputs.tell = self._tell
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()
        self._guest.outputs.tell = None
        self._guest.outputs.unwatch(self._listener.fileno())
        self._listener.close()

    def _accept(self) -> None:
        self._drop()
        self._client = self._listener.accept()[0]
        self._client.settimeout(TAKE_SECONDS)
        self._guest.outputs.watch(self._client.fileno(), self._take)
        with suppress(FileNotFoundError):
            self._send(self._guest.serial.transcript.read_bytes())

    def _take(self) -> None:
        assert self._client is not None
        try:
            data = self._client.recv(READ)
        except OSError:
            data = b""
        if not data:
            self._drop()
            return
        with suppress(MachineError):  # the guest does not read, or cannot be typed at
            self._guest.serial.type(data.decode("utf-8", "replace"))

    def _tell(self, output: str, data: bytes) -> None:
        if output == self._guest.serial.output.name:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if self._client is None:
            return
        try:
            self._client.sendall(data)
        except OSError:
            self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._guest.outputs.unwatch(client.fileno())
            client.close()
