"""QEMU's gdb stub, spoken to without gdb: to have it forget one, and to run to a function.

A gdb that ends without saying goodbye leaves its breakpoints in QEMU, and they stop a guest that
nobody debugs. Reference: GDB manual, appendix E, "Remote Protocol"; QEMU 7.2, gdbstub/gdbstub.c.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ringbench.errors import GdbError

# Asking why the guest stopped is how a new gdb begins, and takes every breakpoint away; then
# addresses are virtual, and the guest is let go.
FAREWELL = ("?", "Qqemu.PhyMemMode:0", "D")


def release(path: Path, seconds: float) -> None:
    """Remove what a debugger left in the stub at socket `path`; the guest then runs.

    Raises:
        GdbError: the stub does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stub:
        stub.settimeout(seconds)
        try:
            stub.connect(str(path))
            for packet in FAREWELL:
                stub.sendall(encode(packet))
                _take_reply(stub)
        except OSError as error:
            raise GdbError(f"QEMU's gdb stub does not answer ({error})") from None


@contextmanager
def running_to(
    path: Path, address: int, seconds: float
) -> Iterator[tuple[int, Callable[[], bool]]]:
    """Let a guest run until it comes to the instruction at `address`, a virtual one.

    Gives a file descriptor, and a function to call when that is readable: it returns whether the
    guest has come there, and then lets it run on.

    Raises:
        GdbError: the stub does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stub:
        stub.settimeout(seconds)
        heard = b""

        def ask(packet: str) -> None:
            stub.sendall(encode(packet))
            _take_reply(stub)

        def reached() -> bool:
            nonlocal heard
            heard += stub.recv(4096)
            if not _is_whole(heard):  # so far only that the command was understood
                return False
            ask(f"z1,{address:x},1")
            ask("D")
            return True

        try:
            stub.connect(str(path))
            ask("?")
            ask(f"Z1,{address:x},1")
            stub.sendall(encode("c"))
            yield stub.fileno(), reached
        except OSError as error:
            raise GdbError(f"QEMU's gdb stub does not answer ({error})") from None


def encode(packet: str) -> bytes:
    """Return a packet as it goes over the line: with an acknowledgement, and its checksum."""
    return f"+${packet}#{sum(packet.encode()) % 256:02x}".encode()


def _take_reply(stub: socket.socket) -> None:
    """Read up to the end of one packet: a ``#`` and two digits."""
    reply = b""
    while not _is_whole(reply):
        more = stub.recv(4096)
        if not more:
            raise ConnectionError("it closed the connection")
        reply += more


def _is_whole(reply: bytes) -> bool:
    return len(reply.partition(b"#")[2]) >= 2
