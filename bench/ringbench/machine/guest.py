"""One guest under QEMU, run and looked at from outside, whatever it runs and however far it got.

A guest owns one QEMU and, once it is asked for, one gdb. However its block is left, by Ctrl-C too,
both are ended and the private folder is gone; `keep` names a folder where the logs stay. Whatever
fails, the exception carries the end of the serial log, the registers where the guest is still
there, and the command that boots the same guest by hand.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.config import Config
from ringbench.ending import Ending, EndKind
from ringbench.errors import (
    GdbError,
    Hang,
    MachineError,
    OutputError,
    RingbenchError,
    SerialClosed,
)
from ringbench.explain.names import Names
from ringbench.explain.registers import parse_cpus
from ringbench.explanation import Explanation
from ringbench.machine import stub
from ringbench.machine.command import RAM_ID
from ringbench.machine.deadline import Deadline
from ringbench.machine.gdb import Gdb
from ringbench.machine.image import check_kernel, is_elf
from ringbench.machine.inquest import Inquest
from ringbench.machine.memory import GdbMemory, MappedMemory, QmpMemory, save_dump
from ringbench.machine.own_memory import OwnMemory
from ringbench.machine.qemu import Qemu
from ringbench.machine.ram import RamMap, parse_mtree
from ringbench.machine.room import check_room
from ringbench.machine.serial import Serial

if TYPE_CHECKING:
    from ringbench.debuginfo.dwarf import Types

OVER = ("shutdown", "internal-error")
"""States of QEMU's from which no debugger can have a guest go on (QEMU 7.2, gdbstub/gdbstub.c)."""

EVIDENCE_SECONDS = 1.0  # for the registers of a guest that may be past answering
AnyMachineError = TypeVar("AnyMachineError", bound=MachineError)
READERS = Literal["mapped", "gdb", "qmp"]


class Guest:
    """One guest, stopped before its first instruction at first."""

    def __init__(self, config: Config, keep: Path | None = None) -> None:
        form = check_kernel(config)
        check_room(config.kernel.image, config.machine.memory)
        self.config = config
        self._gdb: Gdb | None = None
        self._ram: RamMap | None = None
        self._mapping: mmap.mmap | None = None
        self._own: OwnMemory | None = None
        self._paused = False  # by QEMU; what gdb has stopped, it knows itself
        self._debugged = False  # since the start, or since it was restored
        self._slide: int | None = None  # once it has been found
        self._placed = False  # whether gdb has the symbols where the kernel runs
        with ExitStack() as stack:
            self._qemu = Qemu(config, form, keep)
            stack.callback(self._qemu.close)
            self.qmp = self._qemu.qmp
            self.folder = self._qemu.logs
            self.private = self._qemu.private
            self.outputs = self._qemu.outputs(config)
            stack.callback(self.outputs.close)
            self.serial: Serial = Serial(self.outputs, config.kernel, self._qemu.typist(config))
            self.names = Names(config.kernel.elf, self._known_slide, config.kernel.more)
            self._inquest: Inquest = Inquest(config, self._qemu, self.serial, keep, self.explain)
            self.qmp.evidence = self.serial.evidence = self._inquest.add_evidence
            self.outputs.watch(self.qmp.fileno(), self._inquest.alarm, is_qmp=True)
            self.outputs.idle = self._inquest.idle
            stack.callback(self._close_mapping)
            stack.callback(self._kill_gdb)
            self._stack = stack.pop_all()

    @classmethod
    def launch(cls, config: Config, keep: Path | None = None) -> Self:
        """Start QEMU and stop before the guest's first instruction.

        Logs go to the folder `keep`, if it is given, and stay there.

        Raises:
            ImageError: the kernel's files cannot work.
            StartError: QEMU is missing, or refuses its arguments.
        """
        return cls(config, keep)

    def close(self) -> None:
        """End the guest and everything with it; may be called twice."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def reproduce(self) -> str:
        """Shell command that boots the same guest with its console on the terminal."""
        return self._qemu.reproduce

    def let_run(self) -> None:
        """Let the guest run that was stopped, by way of gdb where gdb is connected."""
        self._paused = False
        if self._gdb is not None and self._gdb.alive:
            self._gdb.continue_()
        else:
            self.qmp.cont()

    @contextmanager
    def stub_running_to(self, address: int) -> Iterator[tuple[int, Callable[[], bool]]]:
        """Let the guest run to `address` without gdb: see `ringbench.machine.stub.running_to`.

        Raises:
            GdbError: QEMU's stub does not answer, or gdb is connected to it.
        """
        if self._gdb is not None and self._gdb.alive:
            raise self._inquest.add_evidence(
                GdbError("gdb is connected: use its own breakpoint for kernel.ready's function")
            )
        self._paused = False
        with stub.running_to(self._qemu.gdb_socket, address, self.config.deadlines.gdb) as running:
            yield running

    @property
    def gdb_socket(self) -> Path:
        """Where QEMU's stub listens for a gdb that is not the bench's own."""
        return self._qemu.gdb_socket

    @property
    def is_there(self) -> bool:
        """Whether there is still a QEMU to be asked: also for a guest that crashed or hangs."""
        return not (self.qmp.closed or self.qmp.silent)

    # -- stopping and reading ------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the guest is executing."""
        if self._gdb is not None and self._gdb.alive:
            self._gdb.poll()
            return self._gdb.running
        return not self._paused and self.qmp.status() == "running"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep the guest still, for a consistent picture; leave a stopped guest stopped.

        This is the one place that knows how: through gdb where gdb is connected, because it
        must not be left believing otherwise, and through QEMU where it is not.

        Raises:
            Ended: QEMU is gone, and the guest with it.
        """
        if self.qmp.closed and (ending := self.ending()) is not None:
            raise self._inquest.ended(ending, Hang, "before it could be looked at")
        if not self.running:
            yield
        elif self._gdb is not None and self._gdb.alive:
            self._gdb.interrupt()
            over = self.qmp.status() in OVER  # before gdb had heard of it
            try:
                yield
            finally:
                if not over:
                    self._gdb.continue_()
        else:
            self.qmp.stop()
            self._paused = True
            try:
                yield
            finally:
                self._paused = False
                self.qmp.cont()

    @property
    def ram(self) -> RamMap:
        """Where guest RAM is."""
        if self._ram is None:
            self._ram = parse_mtree(self.qmp.hmp("info mtree -f"), RAM_ID)
        return self._ram

    @property
    def memory(self) -> MappedMemory:
        """Guest RAM, mapped: the fastest reader.

        What is read at several times is one state only if the guest stands still meanwhile: for
        a picture, read within `stopped`. A kernel that waits at its prompt changes nothing but
        what the bench makes it change.
        """
        return MappedMemory(self._mapped(), self.ram)

    @property
    def own_memory(self) -> OwnMemory:
        """Memory of the bench's own on the guest's PCI bus.

        Raises:
            MachineError: the configuration has no guest calls.
        """
        if self._own is None:
            if self._qemu.own is None:
                raise MachineError(
                    "the kernel's functions can be called only on a machine that was started "
                    "for it: set machine.guest_calls = true"
                )
            self._own = OwnMemory(self._qemu.own, self.qmp)
        return self._own

    def evidence(self, error: AnyMachineError) -> AnyMachineError:
        """Give an exception about this guest what a person will ask for next, and return it."""
        return self._inquest.add_evidence(error)

    def reader(self, kind: READERS) -> PhysicalMemory:
        """Return one of the ways to read guest RAM."""
        if kind == "gdb":
            return GdbMemory(self.gdb, self.ram)
        if kind == "qmp":
            return QmpMemory(self.qmp, self.ram, self.private)
        return self.memory

    def save_dump(self, path: Path) -> None:
        """Write guest-physical memory from address 0 on to `path`, as a sparse file.

        Raises:
            MachineError: the file cannot be written.
        """
        try:
            with self.stopped():
                save_dump(path, self._qemu.ram, self.ram)
        except OutputError as error:
            raise MachineError(f"the guest's memory cannot be saved there: {error}") from None

    # -- the debugger --------------------------------------------------------------------------

    @property
    def gdb(self) -> Gdb:
        """The debugger, started and connected at first use; the guest is then stopped.

        Raises:
            StartError: gdb is missing.
            GdbError: it cannot connect.
            MachineError: `kernel.slide` is "auto", and cannot be found where the guest is.
        """
        gdb = self._debugger()
        if not self._placed:
            if self.slide:
                gdb.move_symbols(self.config.kernel.elf, self.slide)
            for elf in self.config.kernel.more:
                gdb.add_symbols(elf)
            self._placed = True
        return gdb

    def _debugger(self) -> Gdb:
        if self._gdb is None:
            config = self.config
            gdb = Gdb.start(
                config.machine.gdb,
                config.kernel.elf if is_elf(config.kernel.elf) else None,
                self._qemu.guard,
                self.folder / "gdb.out",
                config.deadlines.gdb,
                self._inquest.add_evidence,
            )
            self._gdb = gdb
            self._debugged = True
            gdb.nudge = self.serial.nudge
            gdb.connect(self._qemu.gdb_socket)
            self._placed = False
        return self._gdb

    @property
    def slide(self) -> int:
        """How much higher the kernel runs than it was linked: `kernel.slide`.

        If that is "auto" it is found, once, from the code that the guest is executing.

        Raises:
            MachineError: it cannot be found where the guest is.
        """
        stated = self.config.kernel.slide
        if stated != "auto":
            return stated
        if self._slide is None:
            from ringbench.machine.slide import find_slide

            elf, gdb = self.config.kernel.elf, self._debugger()
            with self.stopped():
                self._slide = find_slide(elf, gdb, self._inquest.add_evidence)
        return self._slide

    def _known_slide(self) -> int:
        """Return the slide as far as it is known: 0 of one that nobody has looked for yet."""
        stated = self.config.kernel.slide
        return (self._slide or 0) if stated == "auto" else stated

    @property
    def types(self) -> Types:
        """The kernel's variables and types, where it runs; those of `kernel.more` as well."""
        from ringbench.debuginfo.dwarf import Types

        kernel = self.config.kernel
        return Types.load(kernel.elf, self.slide, kernel.more)

    def detach_gdb(self) -> None:
        """End gdb, if there is one, and let the guest run on; `gdb` then starts another."""
        gdb, self._gdb = self._gdb, None
        if gdb is None:
            return
        gdb.close()
        if self.qmp.status() in ("paused", "debug"):
            self.qmp.cont()

    # -- the end -------------------------------------------------------------------------------

    def ending(self) -> Ending | None:
        """Return how the run ended, or None while it goes on; never waits."""
        self.outputs.drain()
        return self._inquest.look()

    def ended_badly(self) -> bool:
        """Whether the run ended otherwise than the kernel meant it to; never waits."""
        ending = self.ending()
        return not (ending is None or ending.kind is EndKind.FINISHED or self.rests)

    @property
    def rests(self) -> bool:
        """Whether it was seen in waiting to have halted for good, and no exception led to it."""
        return self._inquest.rests

    @property
    def accelerator(self) -> str:
        """What runs the guest: of a list in the configuration, the one that QEMU took."""
        names = self._qemu.accelerators
        if len(names) == 1:
            return names[0]
        if self.qmp.command("query-kvm")["enabled"]:
            return "kvm"
        others = [name for name in names if name != "kvm"]
        return "tcg" if "tcg" in others else others[0]

    def wait_end(self, seconds: float) -> Ending:
        """Wait until the run ends; a guest that goes on for `seconds` is a hang."""
        deadline = Deadline(seconds)
        while (ending := self.ending()) is None:
            with suppress(SerialClosed):
                self.outputs.wait(deadline)
            if deadline.expired:
                with suppress(SerialClosed):  # a last look whether it sleeps for good
                    self._inquest.idle()
                return self.ending() or Ending(EndKind.HANG, f"hang: no end within {seconds:g} s")
        return ending

    def explain(self, kind: EndKind) -> Explanation | None:
        """Return why the guest is as it is, having ended by `kind`; None if nothing is known.

        Of a guest that seems to hang: what each processor does, and what keeps it.
        """
        from ringbench.explain.explain import Evidence, explain
        from ringbench.machine.slide import seen_slide

        if not self.is_there:
            return None
        try:
            with self.stopped():
                cpus = parse_cpus(self.qmp.hmp("info registers -a", EVIDENCE_SECONDS))
                log = self._qemu.log_text()
                if self.config.kernel.slide == "auto" and self._slide is None:
                    self._slide = seen_slide(self.config.kernel.elf, cpus, log, self.memory)
                is_logged = self.config.machine.log_exceptions and self.accelerator == "tcg"
                return explain(Evidence(kind, cpus, log, self.memory, self.names, is_logged))
        except (RingbenchError, ValueError):  # QEMU is gone, or past answering
            return None

    def registers(self, seconds: float | None = None) -> str:
        """Return QEMU's own dump of the CPU's registers, without floating point.

        Raises:
            QmpError: QEMU is gone or does not answer.
        """
        return self.qmp.registers(seconds)

    def _kill_gdb(self) -> None:
        if self._gdb is not None:
            self._gdb.kill()

    def _mapped(self) -> mmap.mmap:
        if self._mapping is None:
            self._mapping = mmap.mmap(self._qemu.ram, 0)
        return self._mapping

    def _close_mapping(self) -> None:
        for mapping in (self._mapping, self._own.mapping if self._own else None):
            if mapping is not None:
                with suppress(BufferError):  # a view is still held; the mapping goes with it
                    mapping.close()
