"""The inquest: what became of a guest, and the evidence that goes with a failure.

`ringbench.machine.triage` judges, from facts alone; this collects the facts and turns what went
wrong on the serial line into what went wrong with the guest. Once a guest has come to its end
that ending stands.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ringbench.config import Config
from ringbench.ending import Ending, EndKind
from ringbench.errors import (
    BootTimeout,
    Ended,
    GdbDied,
    GdbError,
    GdbRefused,
    GdbTimeout,
    Hang,
    LastWords,
    MachineError,
    QemuDied,
    QmpError,
    QmpTimeout,
    SerialClosed,
    SerialError,
    SerialTimeout,
)
from ringbench.explain.log import TRIPLE_FAULT
from ringbench.explain.registers import parse_cpus
from ringbench.explanation import Explanation
from ringbench.machine.advice import (
    boot_advice,
    ending_advice,
    last_line,
    last_words,
    prompt_advice,
)
from ringbench.machine.command import has_exit_device
from ringbench.machine.deadline import Deadline
from ringbench.machine.qemu import Qemu
from ringbench.machine.serial import Serial
from ringbench.machine.triage import Facts, classify
from ringbench.microscope.findings import Seen

TARGET_GONE = "Target disconnected"
"""gdb's words when QEMU has closed its end."""

TAIL_LINES = 40
EVIDENCE_SECONDS = 1.0  # for the registers of a guest that may be past answering
END_EVENTS = ("SHUTDOWN", "GUEST_PANICKED")
HALTED = "every processor waits in HLT with interrupts off, and nothing can wake it"
AnyMachineError = TypeVar("AnyMachineError", bound=MachineError)


class Inquest:
    """Looks into one guest; `ending` is how it ended, once that is known."""

    def __init__(
        self,
        config: Config,
        qemu: Qemu,
        serial: Serial,
        kept: Path | None,
        explain: Callable[[EndKind], Explanation | None],
        seen: Callable[[], tuple[Seen, ...]],
    ) -> None:
        self.ending: Ending | None = None
        self._explain = explain
        self._seen = seen
        self._explained: dict[EndKind, Explanation | None] = {}
        self._asleep = 0
        self._config = config
        self._qemu = qemu
        self._serial = serial
        self._kept = kept
        self._last_words: LastWords | None = None

    def reopen(self, kept: Path | None) -> None:
        """Begin anew, for a guest that has been put back to where it had not ended."""
        self.ending = None
        self._last_words = None
        self._kept = kept
        self._explained = {}
        self._asleep = 0

    def look(self) -> Ending | None:
        """Return how the guest ended, or None while it goes on; never waits."""
        if self.ending is None:
            try:
                self._serial.check()
            except LastWords as words:
                self._last_words = words
            self.ending = classify(self._facts())
        return self.ending

    def alarm(self) -> None:
        """End a wait for the kernel when QEMU says that nothing more will come."""
        self._qemu.limit_log()
        if self._is_over:
            raise SerialClosed("the guest has ended")

    def idle(self) -> None:
        """End a wait in which nothing comes when no processor can go on.

        Raises:
            SerialClosed: all are halted for good, and were when this was asked last; or as `alarm`.
        """
        with suppress(QmpError):
            self._qemu.limit_log()
            cpus = parse_cpus(self._qemu.qmp.hmp("info registers -a", EVIDENCE_SECONDS))
            asleep = bool(cpus) and all(cpu.asleep_for_good for cpu in cpus)
            self._asleep = self._asleep + 1 if asleep else 0
        self.alarm()  # for what QEMU told before it answered
        if self._is_halted:
            raise SerialClosed("the guest is halted")

    @property
    def rests(self) -> bool:
        """Whether the kernel halted for good as one that is done.

        No exception led to it, and what it said last does not look like a panic.
        """
        if self._is_over or not self._is_halted or last_words(self._serial) is not None:
            return False
        why = self._explanation(EndKind.HALTED)
        return why is not None and why.fault is None

    @property
    def _is_over(self) -> bool:
        over = any(event.name in END_EVENTS for event in self._qemu.qmp.events())
        return over or self._qemu.qmp.closed

    @property
    def _is_halted(self) -> bool:
        return self._asleep > 1

    def _facts(self, overdue: str | None = None) -> Facts:
        process = self._qemu.process
        events = self._qemu.qmp.events()
        # QEMU closes its sockets a moment before it is gone.
        status = process.wait(Deadline(1.0)) if self._qemu.qmp.closed else process.exit_status()
        words = self._last_words
        return Facts(
            events=events,
            opening=words.opening if words else None,
            block=words.block if words else (),
            exit_status=status,
            has_exit_device=has_exit_device(self._config),
            triple_fault_logged=bool(events) and TRIPLE_FAULT in self._qemu.log_text(),
            halted=f"{HALTED}; {self._last_seen()}" if self._is_halted else None,
            overdue=overdue,
            stopped=overdue is not None and process.stopped,
        )

    def failure(self, error: SerialError, overdue: type[Hang], doing: str) -> Ended:
        """Make of what went wrong on the line what went wrong with the guest."""
        late = None
        if isinstance(error, LastWords):
            self._last_words = error
        elif isinstance(error, SerialTimeout):
            late = f"{error} {doing}; {self._last_seen()}"
            if overdue is BootTimeout:
                late += boot_advice(self._config.kernel, self._serial)
            else:
                late += prompt_advice(self._config.kernel, self._serial)
        self.ending = classify(self._facts(late))
        if self.ending is None:  # QEMU closes the line a moment before it is gone
            self._qemu.process.wait(Deadline(1.0))
            self.ending = classify(self._facts(late)) or Ending(
                EndKind.QEMU_DIED, "QEMU died: it closed the serial line"
            )
        ended = self.ended(self.ending, overdue, doing)
        if overdue is BootTimeout:
            advice = ending_advice(self._config.kernel, self._serial, self.ending)
            ended.args = (f"{ended}{advice}",)
        return ended

    def _last_seen(self) -> str:
        qmp = self._qemu.qmp
        if qmp.silent:
            return "QEMU itself does not answer"
        with suppress(QmpError):
            if (status := qmp.status(EVIDENCE_SECONDS)) != "running":
                return f"the guest is stopped ({status})"
        console = self._serial.output
        if last := last_line(console):
            return f"its output ends with {last[-60:]!r}"
        for other in self._serial.outputs.spoke():
            if last := last_line(other):
                return (
                    f"nothing was printed on {console.name}; what {other.name} says ends with "
                    f"{last[-60:]!r}"
                )
        return "the kernel has printed nothing"

    def ended(self, ending: Ending, overdue: type[Hang], doing: str) -> Ended:
        """Return the exception for an ending: `overdue` if that is a hang, of whichever of them."""
        kinds: dict[EndKind, type[Ended]] = {
            EndKind.HANG: overdue,
            EndKind.QEMU_STOPPED: overdue,
            EndKind.QEMU_DIED: QemuDied,
        }
        kind = kinds.get(ending.kind, Ended)
        text = ending.message if doing in ending.message else f"{ending.message}, {doing}"
        return self.add_evidence(kind(text, ending=ending))

    def add_evidence(self, error: AnyMachineError) -> AnyMachineError:
        """Give an exception what a person will ask for next."""
        error.command = self._qemu.reproduce
        error.folder = self._kept
        error.serial_tail = self._serial.tail()
        error.tails = {
            output.name: output.tail(TAIL_LINES)
            for output in self._serial.outputs.spoke()
            if output is not self._serial.output
        }
        error.watched = tuple(line for each in self._seen() for line in each.lines())
        if isinstance(error, GdbDied):
            error.ending = classify(Facts(gdb_gone=str(error)))
        elif isinstance(error, GdbTimeout) and self._qemu.process.stopped:
            error.ending = classify(Facts(overdue=str(error), stopped=True))
        elif isinstance(error, QmpError):
            error.ending = self._end_of_qmp(error)
        elif isinstance(error, GdbError):
            if TARGET_GONE in str(error):  # QEMU closes its sockets a moment before it is gone
                self._qemu.process.wait(Deadline(1.0))
            error.ending = self.look()
        if error.ending is not None:
            error.explanation = self._explanation(error.ending.kind)
        qmp = self._qemu.qmp
        ending = error.ending
        if ending is not None and ending.kind in (EndKind.QEMU_DIED, EndKind.QEMU_STOPPED):
            if ending.message not in str(error):
                error.args = (f"{ending.message} ({error})",)
            return error
        if not (isinstance(error, QmpError | GdbRefused) or qmp.closed or qmp.silent):
            with suppress(QmpError):
                error.registers = qmp.registers(EVIDENCE_SECONDS)
        return error

    def _end_of_qmp(self, error: QmpError) -> Ending | None:
        """Return why QEMU does not answer: it is gone, or stopped; None if that is not it."""
        if self._qemu.qmp.closed:
            status = self._qemu.process.wait(Deadline(1.0))
            gone = classify(Facts(exit_status=status))
            # However the guest ended before: that did not take QEMU along.
            return gone if gone is not None and gone.outside else self.look()
        late = str(error) if isinstance(error, QmpTimeout) else None
        return classify(Facts(overdue=late, stopped=self._qemu.process.stopped)) if late else None

    def _explanation(self, kind: EndKind) -> Explanation | None:
        """Return why the guest ended; found out once, and not while it is being found out."""
        if kind not in self._explained:
            self._explained[kind] = None
            self._explained[kind] = self._explain(kind)
        return self._explained[kind]
