"""The pipe to gdb: commands with a token go in, records come out.

Every command carries a token, and the answer is the result record with that token: nothing is
guessed from silence, as pygdbmi's own controller does (0.2 s a command). Reading is done here
with `poll` and `os.read`, so that gdb's death is an end of file and known at once; pygdbmi
parses the lines. Whatever takes longer than its deadline is a `GdbTimeout`.
"""

from __future__ import annotations

import os
import select
from collections import deque
from typing import Any

from ringbench.ending import Ending, EndKind
from ringbench.errors import Evidence, GdbDied, GdbRefused, GdbTimeout, MachineError
from ringbench.machine import mi
from ringbench.machine.deadline import Deadline
from ringbench.machine.mi import StopEvent
from ringbench.machine.process import Process, describe_exit


class GdbPipe:
    """One gdb process and what it has said; `running` is whether the guest runs."""

    def __init__(self, process: Process, seconds: float, evidence: Evidence) -> None:
        self.running = False
        self._process = process
        self._seconds = seconds
        self._evidence = evidence
        self._token = 0
        self._partial = b""
        self._results: dict[int, mi.Record] = {}
        self._stops: deque[StopEvent] = deque()
        self._console: list[str] = []
        self._poller = select.poll()
        self._poller.register(process.stdout, select.POLLIN)
        os.set_blocking(process.stdout.fileno(), False)
        os.set_blocking(process.stdin.fileno(), False)

    @property
    def pid(self) -> int:
        """Process id of gdb."""
        return self._process.pid

    def fileno(self) -> int:
        """File descriptor that becomes readable when gdb says something."""
        return self._process.stdout.fileno()

    def kill(self) -> None:
        """End gdb at once, without a word to the guest."""
        self._process.kill()

    @property
    def alive(self) -> bool:
        """Whether the gdb process is there."""
        return self._process.exit_status() is None

    def execute(self, command: str, seconds: float | None = None) -> dict[str, Any]:
        """Execute one MI command and return the payload of its result.

        Raises:
            GdbRefused: gdb answered with an error.
            GdbTimeout: no answer within `seconds`.
            GdbDied: gdb is gone.
        """
        deadline = Deadline(self._seconds if seconds is None else seconds)
        self._token += 1
        token = self._token
        self._console.clear()
        self._write(f"{token}{command}\n", deadline)
        while token not in self._results:
            self._receive(deadline, f"gdb did not answer {command!r}")
        result = self._results.pop(token)
        if result.message == "error":
            text = mi.error_text(result.payload)
            raise self._evidence(GdbRefused(f"gdb refused {command!r}: {text}"))
        return result.payload if isinstance(result.payload, dict) else {}

    def console(self, line: str, seconds: float | None = None) -> str:
        """Execute a line as a person would type it, and return what gdb prints.

        Raises:
            GdbError: as for `execute`.
        """
        self.execute(f"-interpreter-exec console {mi.quote(line)}", seconds)
        return "".join(self._console)

    def poll(self) -> None:
        """Take what gdb has said meanwhile, so that `running` is true to the moment."""
        while self._poller.poll(0):
            self._read()

    def _write(self, text: str, deadline: Deadline) -> None:
        data = memoryview(text.encode())
        descriptor = self._process.stdin.fileno()
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                self._wait_writable(descriptor, deadline)
            except OSError:
                raise self._died() from None

    def _wait_writable(self, descriptor: int, deadline: Deadline) -> None:
        poller = select.poll()
        poller.register(descriptor, select.POLLOUT)
        if not poller.poll(deadline.remaining() * 1000):
            raise self._timeout("gdb does not take commands", deadline)

    def _receive(self, deadline: Deadline, what: str) -> None:
        if not self._poller.poll(deadline.remaining() * 1000):
            raise self._timeout(what, deadline)
        self._read()

    def _read(self) -> None:
        try:
            data = os.read(self.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not data:
            raise self._died()
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._take(mi.parse(line.decode("utf-8", "replace").rstrip("\r")))

    def _take(self, record: mi.Record) -> None:
        if record.kind == "result" and record.token is not None:
            self._results[record.token] = record
            if record.message == "running":
                self.running = True
        elif record.kind == "console":
            self._console.append(str(record.payload))
        elif record.kind == "notify" and record.message == "stopped":
            self.running = False
            # A stop that gdb made for itself, within a call, has no reason and is none.
            if record.payload and "reason" in record.payload:
                self._stops.append(mi.stop_event(record.payload))

    def _died(self) -> MachineError:
        status = self._process.wait(Deadline(1.0))
        how = describe_exit(status) if status is not None else "it closed its output"
        said = self._process.said()
        return self._evidence(
            GdbDied(f"gdb is gone: {how}" + (f"; it said: {said}" if said else ""))
        )

    def _timeout(self, what: str, deadline: Deadline) -> MachineError:
        error = self._evidence(GdbTimeout(f"{what} within {deadline.seconds:g} s"))
        if self._process.stopped:
            why = f"gdb is stopped, by SIGSTOP or a debugger: {what}"
            error.ending = Ending(EndKind.GDB_DIED, why, outside=True)
        return error
