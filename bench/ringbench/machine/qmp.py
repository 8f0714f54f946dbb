"""QEMU's machine protocol: commands, answers, events; synchronous, a deadline on each.

Small and our own rather than ``qemu.qmp``: the synchronous face of that library runs an asyncio
loop underneath and takes 70 ms to import, more than booting a small kernel, and neither buys
anything here - one connection, one command at a time, one JSON object a line.

Reference: QEMU 7.2, docs/interop/qmp-spec.txt.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringbench.errors import Evidence, MachineError, QmpError, QmpTimeout, no_evidence
from ringbench.machine.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Event:
    """Something that QEMU told unasked; `seconds` is host time when it was read."""

    name: str
    data: Mapping[str, Any]
    seconds: float


class Qmp:
    """One QMP connection. `seconds` is the deadline of each command."""

    def __init__(
        self, connection: socket.socket, seconds: float, evidence: Evidence = no_evidence
    ) -> None:
        self._socket = connection
        self._socket.setblocking(False)
        self._seconds = seconds
        self.evidence = evidence
        self._buffer = b""
        self._token = 0
        self._events: list[Event] = []
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._greeted = False
        self._polled = 0
        self.closed = False
        self.silent = False  # the last command went unanswered: not worth asking more

    def negotiate(self) -> None:
        """Take the greeting and enter command mode.

        QEMU answers only once it has set up everything, so after this it has accepted its
        arguments.
        """
        deadline = self._deadline(None)
        while not self._greeted:
            self._receive(deadline, "its greeting")
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: object) -> Any:
        """Execute `name` and return its result; ``a_b`` in an argument's name means ``a-b``.

        Raises:
            QmpTimeout: no answer within the deadline.
            QmpError: QEMU refused, or is gone.
        """
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        return self._execute(name, named, self._deadline(None))

    def _execute(self, name: str, arguments: Mapping[str, object], deadline: Deadline) -> Any:
        self._token += 1
        token = self._token
        request = {"execute": name, "id": token, "arguments": arguments}
        self._send(json.dumps(request).encode() + b"\n", deadline, name)
        while token not in self._answers:
            self._receive(deadline, f"an answer to {name!r}")
        answer = self._answers.pop(token)
        if "error" in answer:
            raise self.evidence(QmpError(f"QEMU refused {name!r}: {answer['error'].get('desc')}"))
        return answer["return"]

    def hmp(self, line: str, seconds: float | None = None) -> str:
        """Execute a line of the human monitor ("info registers") and return its text.

        Raises:
            QmpError: as for `command`.
        """
        named = {"command-line": line}
        text = self._execute("human-monitor-command", named, self._deadline(seconds))
        return str(text).replace("\r\n", "\n")

    def stop(self) -> None:
        """Pause the guest; nothing of it runs after this returns."""
        self.command("stop")

    def cont(self) -> None:
        """Let the guest run on."""
        self.command("cont")

    def status(self, seconds: float | None = None) -> str:
        """Return QEMU's run state: "running", "paused", "shutdown", "prelaunch", ..."""
        return str(self._execute("query-status", {}, self._deadline(seconds))["status"])

    def registers(self, seconds: float | None = None) -> str:
        """Return QEMU's dump of the CPU's registers, up to where floating point begins.

        Raises:
            QmpError: as for `command`.
        """
        return self.hmp("info registers", seconds).partition("\nFCW=")[0].strip()

    def events(self) -> tuple[Event, ...]:
        """Return every event so far, oldest first."""
        self._drain()
        return tuple(self._events)

    def poll(self) -> tuple[Event, ...]:
        """Return the events that came since the last call of this; never waits."""
        self._drain()
        fresh = tuple(self._events[self._polled :])
        self._polled = len(self._events)
        return fresh

    def wait_event(self, deadline: Deadline) -> None:
        """Wait until there is one event more, or something else that QEMU says.

        Raises:
            QmpError: none by then, or QEMU is gone.
        """
        self._receive(deadline, "an event")

    def heard(self) -> tuple[int, int]:
        """Return how many events there were so far, and how many of them `poll` has given."""
        return len(self.events()), self._polled

    def forget(self, heard: tuple[int, int]) -> None:
        """Be as when `heard` was returned: the events since then never were."""
        self._drain()
        count, self._polled = heard
        del self._events[count:]

    def fileno(self) -> int:
        """File descriptor that becomes readable when QEMU says something; -1 once closed."""
        return self._socket.fileno()

    def quit(self) -> None:
        """Ask QEMU to end; errors do not matter, who calls looks at the process."""
        if not self.silent:
            with contextlib.suppress(MachineError, OSError):
                self.command("quit")

    def close(self) -> None:
        """Close the connection."""
        self.closed = True
        self._socket.close()

    def _deadline(self, seconds: float | None) -> Deadline:
        return Deadline(self._seconds if seconds is None else seconds)

    def _send(self, data: bytes, deadline: Deadline, name: str) -> None:
        if self.closed:
            raise self.evidence(QmpError(f"{name!r} not sent: QEMU closed its monitor"))
        try:
            self._socket.settimeout(max(deadline.remaining(), 1e-3))
            self._socket.sendall(data)
        except TimeoutError:
            raise self.evidence(
                QmpTimeout(f"QEMU did not take {name!r} within {deadline.seconds:g} s")
            ) from None
        except OSError:
            self.closed = True
            raise self.evidence(QmpError(f"{name!r} not sent: QEMU is gone")) from None
        finally:
            if not self.closed:
                self._socket.setblocking(False)

    def _receive(self, deadline: Deadline, what: str) -> None:
        if self.closed:
            raise self.evidence(QmpError(f"QEMU closed its monitor before it gave {what}"))
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        self.silent = not poller.poll(deadline.remaining() * 1000)
        if self.silent:
            raise self.evidence(
                QmpTimeout(f"QEMU did not give {what} within {deadline.seconds:g} s")
            )
        self._drain()

    def _drain(self) -> None:
        while not self.closed:
            try:
                data = self._socket.recv(65536)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                data = b""
            if not data:
                self.closed = True
                break
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if line.strip():
                self._take(json.loads(line))

    def _take(self, message: Mapping[str, Any]) -> None:
        if "event" in message:
            data = message.get("data", {})
            self._events.append(Event(str(message["event"]), data, time.time()))
        elif "QMP" in message:
            self._greeted = True
        elif "id" in message:
            self._answers[int(message["id"])] = message
