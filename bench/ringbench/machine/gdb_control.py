"""Having a guest run and stop by gdb: steps, breakpoints, watchpoints, and where it is."""

from __future__ import annotations

from typing import Literal

from ringbench.machine import mi
from ringbench.machine.deadline import Deadline
from ringbench.machine.gdb_state import GdbState
from ringbench.machine.mi import Breakpoint, Frame, StopEvent

WatchKind = Literal["write", "read", "access"]
_WATCH_OPTION: dict[WatchKind, str] = {"write": "", "read": "-r ", "access": "-a "}


class GdbControl(GdbState):
    """A gdb that lets a guest run and stops it."""

    def continue_(self) -> None:
        """Let the guest run and return at once; `wait_stop` waits for it to stop."""
        self._resume("-exec-continue")

    def interrupt(self) -> StopEvent:
        """Stop the running guest and return where it is; a stopped one is left as it is."""
        if not self.running:
            return self._stops[-1] if self._stops else StopEvent("unknown", self._here())
        self.execute("-exec-interrupt")
        return self.wait_stop()

    def wait_stop(self, seconds: float | None = None) -> StopEvent:
        """Wait until the guest stops: a breakpoint, a watchpoint, a signal.

        Raises:
            GdbTimeout: it is still running after `seconds`.
            GdbDied: gdb is gone.
        """
        deadline = Deadline(self._seconds if seconds is None else seconds)
        while not self._stops:
            self._receive(deadline, "the guest did not stop")
        return self._stops.popleft()

    def step(self) -> StopEvent:
        """Run to the next source line, into functions."""
        return self._run("-exec-step")

    def next(self) -> StopEvent:
        """Run to the next source line, over functions."""
        return self._run("-exec-next")

    def step_instruction(self) -> StopEvent:
        """Execute one instruction."""
        return self._run("-exec-step-instruction")

    def finish(self) -> StopEvent:
        """Run until the function returns; `result` is what it returned, as gdb prints it."""
        return self._run("-exec-finish")

    def return_(self, value: int) -> None:
        """Have the function at whose first instruction the guest stopped return `value` at once.

        Its effects are left out; the guest stays stopped, in the caller.

        Raises:
            GdbRefused: the guest is in no function, or its caller is not found.
        """
        self.execute("-exec-return")
        self.set_register("rax", value)

    def _run(self, command: str) -> StopEvent:
        self._resume(command)
        return self.wait_stop()

    def _resume(self, command: str) -> None:
        self._stops.clear()
        self.execute(command)

    def _here(self) -> Frame | None:
        found = self.execute("-stack-info-frame").get("frame")
        return mi.frame(found) if found else None

    def backtrace(self) -> tuple[Frame, ...]:
        """Return the stack's frames, innermost first, at most 64."""
        found = self.execute("-stack-list-frames 0 63")["stack"]
        return tuple(mi.frame(entry.get("frame", entry)) for entry in found)

    # -- breakpoints ---------------------------------------------------------------------------

    def break_(
        self,
        location: str,
        *,
        hardware: bool = False,
        condition: str | None = None,
        temporary: bool = False,
    ) -> Breakpoint:
        """Stop at `location`: a function, ``file:line``, or ``*address``.

        Before paging is on, only a `hardware` one is sure to work: the other kind may want to
        write to an address that is not mapped yet.

        Raises:
            GdbRefused: there is no such place.
        """
        options = ("-h " if hardware else "") + ("-t " if temporary else "")
        if condition is not None:
            options += f"-c {mi.quote(condition)} "
        return mi.breakpoint_of(self.execute(f"-break-insert {options}{mi.quote(location)}"))

    def watch(self, expression: str, kind: WatchKind = "write") -> Breakpoint:
        """Stop when the memory that `expression` names is written, read, or either.

        Raises:
            GdbRefused: it names no memory.
        """
        option = _WATCH_OPTION[kind]
        return mi.breakpoint_of(self.execute(f"-break-watch {option}{mi.quote(expression)}"))

    def delete(self, breakpoint: Breakpoint) -> None:
        """Remove a breakpoint or watchpoint."""
        self.execute(f"-break-delete {breakpoint.number}")
