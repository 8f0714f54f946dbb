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
from ringbench.debuginfo.symbols import Symbols
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
from ringbench.machine.debugger import Debugger
from ringbench.machine.gdb import Gdb
from ringbench.machine.image import check_kernel
from ringbench.machine.inquest import Inquest
from ringbench.machine.memory import GdbMemory, MappedMemory, QmpMemory, save_dump
from ringbench.machine.own_memory import OwnMemory
from ringbench.machine.qemu import Qemu
from ringbench.machine.ram import RamMap, parse_mtree
from ringbench.machine.room import check_room
from ringbench.machine.serial import Serial
from ringbench.microscope.aim import aim
from ringbench.microscope.findings import Seen, seen
from ringbench.microscope.layout import Instrument
from ringbench.microscope.microscope import Microscope
from ringbench.microscope.stacks import StackUse, stack_use, stacks_of

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
        self._ram: RamMap | None = None
        self._mapping: mmap.mmap | None = None
        self._own: OwnMemory | None = None
        self._paused = False  # by QEMU; what gdb has stopped, it knows itself
        with ExitStack() as stack:
            self._qemu = Qemu(config, form, keep)
            stack.callback(self._qemu.close)
            self.qmp = self._qemu.qmp
            self.folder = self._qemu.logs
            self.private = self._qemu.private
            self.outputs = self._qemu.outputs(config)
            stack.callback(self.outputs.close)
            self.serial: Serial = Serial(self.outputs, config.kernel, self._qemu.typist(config))
            self._inquest: Inquest = Inquest(
                config, self._qemu, self.serial, keep, self.explain, self.seen
            )
            self._debugger = Debugger(
                config,
                self._qemu.guard,
                self._qemu.gdb_socket,
                self.serial.nudge,
                self.stopped,
                self._inquest.add_evidence,
            )
            self.names = Names(config.kernel.elf, self._debugger.known_slide, config.kernel.more)
            self.qmp.evidence = self.serial.evidence = self._inquest.add_evidence
            self.outputs.watch(self.qmp.fileno(), self._inquest.alarm, is_qmp=True)
            self.outputs.idle = self._inquest.idle
            if self._qemu.microscope is not None:
                pieces = ((each.base, each.length, each.offset) for each in self.ram.ranges)
                self._qemu.microscope.begin(pieces)
                aim(self._qemu.microscope, config)
            stack.callback(self._close_mapping)
            stack.callback(self._debugger.kill)
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
        gdb = self._debugger.connected
        if gdb is None:
            self.qmp.cont()
        elif not gdb.running:
            gdb.continue_()

    @contextmanager
    def stub_running_to(self, address: int) -> Iterator[tuple[int, Callable[[], bool]]]:
        """Let the guest run to `address` without gdb: see `ringbench.machine.stub.running_to`.

        Raises:
            GdbError: QEMU's stub does not answer, or gdb is connected to it.
        """
        if self._debugger.connected is not None:
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
        if (gdb := self._debugger.connected) is not None:
            gdb.poll()
            return gdb.running
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
            return
        gdb = self._debugger.connected
        if gdb is not None:
            gdb.interrupt()
        else:
            self.qmp.stop()
            self._paused = True
        over = self.qmp.status() in OVER  # it ended just then
        try:
            yield
        finally:
            self._paused = False
            if gdb is not None and not over and not gdb.running:
                gdb.continue_()  # though it died: that must be heard
            elif gdb is None and not over:
                self.let_run()

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

    @property
    def microscope(self) -> Microscope:
        """What watches the guest's memory accesses.

        Raises:
            MachineError: the configuration does not say that anything is watched.
        """
        if self._qemu.microscope is None:
            raise MachineError("nothing is watched on this machine: set machine.watch")
        return self._qemu.microscope

    def seen(self) -> tuple[Seen, ...]:
        """Return what is wrong with the guest's accesses so far, as far as they are watched."""
        microscope = self._qemu.microscope
        return () if microscope is None else seen(microscope, self.names)

    def stack_use(self) -> tuple[StackUse, ...]:
        """Return how deep each of the kernel's stacks was used, if they are watched.

        The guest must be still.
        """
        microscope = self._qemu.microscope
        if microscope is None or not microscope.instruments & Instrument.STACKS:
            return ()
        kernel = self.config.kernel
        assert kernel.slide != "auto"  # or they could not be watched
        symbols = Symbols.load(kernel.elf, kernel.slide, kernel.more)
        return stack_use(microscope, stacks_of(symbols, self.names), self.names)

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
        return self._debugger.connect(self.folder / "gdb.out")

    @property
    def slide(self) -> int:
        """How much higher the kernel runs than it was linked: `kernel.slide`.

        If that is "auto" it is found, once, from the code that the guest is executing.

        Raises:
            MachineError: it cannot be found where the guest is.
        """
        return self._debugger.slide(self.folder / "gdb.out")

    @property
    def types(self) -> Types:
        """The kernel's variables and types, where it runs; those of `kernel.more` as well."""
        from ringbench.debuginfo.dwarf import Types

        kernel = self.config.kernel
        return Types.load(kernel.elf, self.slide, kernel.more)

    def detach_gdb(self) -> None:
        """End gdb, if there is one, and let the guest run on; `gdb` then starts another."""
        gdb = self._debugger.take()
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
                if self._debugger.misses_slide:
                    elf = self.config.kernel.elf
                    self._debugger.learn_slide(seen_slide(elf, cpus, log, self.memory))
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

    def _mapped(self) -> mmap.mmap:
        if self._mapping is None:
            self._mapping = mmap.mmap(self._qemu.ram, 0)
        return self._mapping

    def _close_mapping(self) -> None:
        for mapping in (self._mapping, self._own.mapping if self._own else None):
            if mapping is not None:
                with suppress(BufferError):  # a view is still held; the mapping goes with it
                    mapping.close()
