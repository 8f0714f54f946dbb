"""The debugger: what a person does in gdb, as methods that return values.

gdb is in asynchronous mode: it takes commands while the guest runs, and `running` says whether
the guest does. The guest is stopped by connecting. How commands and answers travel is in
`ringbench.machine.gdb_pipe`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from ringbench.errors import Evidence, GdbRefused, MachineError, no_evidence
from ringbench.machine import mi
from ringbench.machine.deadline import Deadline
from ringbench.machine.gdb_pipe import GdbPipe
from ringbench.machine.mi import Breakpoint, Frame, StopEvent
from ringbench.machine.process import Guard, Process

MASK64 = (1 << 64) - 1
CHUNK = 1 << 16  # bytes of guest memory asked for in one command
_STEP_ENABLE = 1  # QEMU's modes of stepping: as it is; and with interrupts and timers held off
_STEP_ALONE = 7
_HLT = b"\xf4"
# In C: signed or unsigned, whichever the expression is, and its value in decimal.
_INTEGER = "(($ringbench = ({})) < 0) ? (long long)$ringbench : (unsigned long long)$ringbench"
_LANGUAGES = ("c", "c++", "rust")
# What gdb says of an expression that it did not begin to evaluate.
_UNREAD = ("syntax error", "No symbol", "No type", "unknown type", "' expected")
# Integers of Rust, whose functions are called as C's by their address.
_RUST = {
    "bool": "unsigned char",
    **{
        f"{sign}{8 * size}": f"{word}{c}"
        for sign, word in (("u", "unsigned "), ("i", "signed "))
        for size, c in ((1, "char"), (2, "short"), (4, "int"), (8, "long"))
    },
    "usize": "unsigned long",
    "isize": "long",
}
_SETTINGS = (
    "confirm off",
    "pagination off",
    "width 0",
    "mi-async on",
    "breakpoint pending off",
    "print elements 0",
    "max-value-size unlimited",
    "unwindonsignal on",
    "stack-cache off",
    "code-cache off",
)
# What `registers` gives; parts of registers (eax, al) and floating point have names as well.
REGISTERS = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    *("rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs", "fs_base", "gs_base", "k_gs_base"),
    *("cr0", "cr2", "cr3", "cr4", "cr8", "efer"),
)
WatchKind = Literal["write", "read", "access"]
_WATCH_OPTION: dict[WatchKind, str] = {"write": "", "read": "-r ", "access": "-a "}


class Gdb(GdbPipe):
    """One gdb process. `seconds` is the deadline of each command that names none."""

    def __init__(self, process: Process, seconds: float, evidence: Evidence = no_evidence) -> None:
        super().__init__(process, seconds, evidence)
        self._register_names: dict[str, int] = {}
        self._returns: dict[str, str] = {}
        self._roused = False
        self.nudge: Callable[[], None] | None = None

    @classmethod
    def start(
        cls,
        program: str,
        elf: Path | None,
        guard: Guard,
        log: Path,
        seconds: float,
        evidence: Evidence = no_evidence,
    ) -> Gdb:
        """Start gdb on the symbols of `elf`, if there are any; its errors go to the file `log`.

        Raises:
            StartError: there is no such program.
            GdbError: it does not take the file.
        """
        command = (program, "-nx", "-q", "--interpreter=mi3", "-iex", "set debuginfod enabled off")
        try:
            process = Process.start("gdb", command, guard, log, piped=True)
        except MachineError as error:
            raise evidence(error) from None
        gdb = cls(process, seconds, evidence)
        try:
            for setting in _SETTINGS:
                gdb.execute(f"-gdb-set {setting}")
            # Below our own deadline, so that gdb's words about a silent guest are heard.
            gdb.execute(f"-gdb-set remotetimeout {max(1, int(seconds / 2))}")
            if elf is not None:
                gdb.execute(f"-file-exec-and-symbols {mi.quote(str(elf))}")
            gdb.execute("-gdb-set architecture i386:x86-64")  # as QEMU has it; the file may be less
        except BaseException:
            gdb.close()
            raise
        return gdb

    def connect(self, path: Path) -> None:
        """Connect to the guest's gdb stub at the socket `path`; the guest is then stopped."""
        self.execute(f"-target-select remote {path}")
        self.running = False
        self._stops.clear()

    def move_symbols(self, elf: Path, slide: int) -> None:
        """Take the symbols of `elf` to be `slide` bytes higher than it was linked.

        Raises:
            GdbRefused: it does not take the file.
        """
        self.console(f"symbol-file -o {slide:#x} {_quoted(elf)}")

    def add_symbols(self, elf: Path) -> None:
        """Know the symbols of one more ELF file, where it was linked.

        Raises:
            GdbRefused: it does not take the file.
        """
        self.console(f"add-symbol-file {_quoted(elf)}")

    def close(self) -> None:
        """End gdb; the guest, if it is connected, is detached and runs on."""
        self._process.stop(min(self._seconds, 3.0), ask=self._ask_exit)

    def _ask_exit(self) -> None:
        try:
            if self.running:
                self.interrupt()
            self._write("-gdb-exit\n", Deadline(1.0))
        except MachineError:
            return

    # -- running and stopping ------------------------------------------------------------------

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
        self._roused = False
        self._stops.clear()
        self.execute(command)

    def _here(self) -> Frame | None:
        found = self.execute("-stack-info-frame").get("frame")
        return mi.frame(found) if found else None

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

    # -- state ---------------------------------------------------------------------------------

    def read_memory(self, vaddr: int, length: int) -> bytes:
        """Return `length` bytes at virtual address `vaddr`, as the guest's page tables map it.

        Raises:
            GdbRefused: a byte of them is not mapped.
        """
        parts = []
        for at in range(vaddr, vaddr + length, CHUNK):
            size = min(CHUNK, vaddr + length - at)
            found = self.execute(f"-data-read-memory-bytes {at:#x} {size}")
            try:
                parts.append(mi.memory_of(found, at, size))
            except ValueError as error:
                raise self._evidence(GdbRefused(f"cannot read memory: {error}")) from None
        return b"".join(parts)

    def write_memory(self, vaddr: int, data: bytes) -> None:
        """Write `data` to virtual address `vaddr`; page permissions do not stop a debugger.

        Raises:
            GdbRefused: a byte of the range is not mapped.
        """
        for at in range(0, len(data), CHUNK):
            part = data[at : at + CHUNK]
            self.execute(f"-data-write-memory-bytes {vaddr + at:#x} {part.hex()}")

    def read_physical(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at physical address `paddr`, whatever paging says.

        Raises:
            GdbRefused: there is nothing at that address.
        """
        self._physical(True)
        try:
            return self.read_memory(paddr, length)
        finally:
            self._physical(False)

    def write_physical(self, paddr: int, data: bytes) -> None:
        """Write `data` to physical address `paddr`.

        Raises:
            GdbRefused: there is nothing at that address.
        """
        self._physical(True)
        try:
            self.write_memory(paddr, data)
        finally:
            self._physical(False)

    def _physical(self, on: bool) -> None:
        """Switch QEMU's stub between virtual and physical addresses (QEMU manual, "GDB usage")."""
        said = self.console(f"maintenance packet Qqemu.PhyMemMode:{int(on)}")
        if '"OK"' not in said:
            raise self._evidence(GdbRefused(f"no physical memory access: {said.strip()}"))

    def registers(self) -> dict[str, int]:
        """Return the integer registers by name: general, segment, control, `efer`."""
        known = self._names()
        names = {name: known[name] for name in REGISTERS if name in known}
        wanted = " ".join(str(number) for number in names.values())
        found = self.execute(f"-data-list-register-values x {wanted}")["register-values"]
        values = {int(entry["number"]): entry["value"] for entry in found}
        return {name: int(values[number], 0) for name, number in names.items()}

    def register(self, name: str) -> int:
        """Return one register, by the name that gdb has for it.

        Raises:
            GdbRefused: no register of that name has an integer value.
        """
        names = self._names()
        if name not in names:
            raise self._evidence(GdbRefused(f"no integer register is called {name!r}"))
        found = self.execute(f"-data-list-register-values x {names[name]}")
        return int(found["register-values"][0]["value"], 0)

    def set_register(self, name: str, value: int) -> None:
        """Set one register.

        Raises:
            GdbRefused: there is no such register.
        """
        self.register(name)
        # Not an assignment: gdb types some registers as flags, which take no plain number.
        self.execute(f"-data-write-register-values x {self._names()[name]} {value & MASK64:#x}")

    def _names(self) -> dict[str, int]:
        """Return the numbers of the registers that hold an integer, asked once."""
        if not self._register_names:
            names: Sequence[str] = self.execute("-data-list-register-names")["register-names"]
            values = self.execute("-data-list-register-values x")["register-values"]
            whole = {int(v["number"]) for v in values if v["value"].startswith("0x")}
            self._register_names = {n: i for i, n in enumerate(names) if n and i in whole}
        return self._register_names

    # -- expressions ---------------------------------------------------------------------------

    def evaluate(self, expression: str) -> str:
        """Return the value of an expression with its type's notation, as gdb prints it.

        It is read in the language of the code where the guest stopped, or if that does not know
        what it says, in the first of C, C++ and Rust that does.

        Raises:
            GdbRefused: it cannot be evaluated.
        """
        return self._evaluate(expression, ("auto", *_LANGUAGES))

    def evaluate_int(self, expression: str) -> int:
        """Return the value of an integer, enumeration or pointer, with its type's sign.

        Raises:
            GdbRefused: it cannot be evaluated, or is no such thing.
        """
        try:
            return mi.number(self._evaluate(_INTEGER.format(expression), ("c", "c++")))
        except GdbRefused as error:
            if not _is_unread(error):
                raise
            first = error
        try:  # what is around it is C, and perhaps not what is within
            self._evaluate(f"$ringbench = ({expression})", ("rust", "auto"))
        except GdbRefused as error:
            raise (first if _is_unread(error) else error) from None
        return mi.number(self._evaluate(_INTEGER.format("$ringbench"), ("c",)))

    def _evaluate(self, expression: str, languages: Sequence[str]) -> str:
        """Return an expression's value, read in the first of the languages that understands it."""
        first: GdbRefused | None = None
        for language in languages:
            option = "" if language == "auto" else f"--language {language} "
            try:
                found = self.execute(f"-data-evaluate-expression {option}{mi.quote(expression)}")
                return str(found["value"])
            except GdbRefused as error:
                if not _is_unread(error):
                    raise  # it was understood, and perhaps had effects
                first = first or error
        assert first is not None
        raise first

    def call(self, function: str, *arguments: int) -> int:
        """Call a kernel function in the stopped guest and return its value; 0 for void.

        The function runs on the current stack, wherever the guest stopped; a guest that sleeps in
        HLT is woken first, and stops again behind it. A breakpoint within
        it leaves the guest there: `wait_stop` says where, and `finish` ends the call and puts
        the guest back.

        Raises:
            GdbRefused: there is no such function, it does not return an integer or pointer, or
                it ran into a breakpoint.
            GdbTimeout: it did not return.
        """
        self._rouse()
        returns = self._return_type(function)
        listed = ", ".join(_literal(argument) for argument in arguments)
        if returns == "void":
            self._evaluate(f"{function}({listed})", ("c", "c++"))
            return 0
        if returns == "unknown":
            function = f"((unsigned long (*)()){function})"
        elif returns in _RUST:
            function = f"(({_RUST[returns]} (*)()){self.symbol(function):#x})"
        return self.evaluate_int(f"{function}({listed})")

    def _rouse(self) -> None:
        """Get a CPU out of HLT: QEMU keeps it asleep, whatever RIP a debugger gives it.

        An interrupt wakes it; `nudge` causes one, by typing a character that consoles ignore. gdb
        steps off the breakpoint first, for which QEMU would mask interrupts: in a kernel without a
        periodic timer the one that was caused would be spent before the breakpoint is there again
        (QEMU 7.2, gdbstub/gdbstub.c: SSTEP_ENABLE alone leaves them on).
        """
        if self.nudge is None or self._roused:
            return
        rip = self.register("rip")
        try:
            asleep = self.read_memory(rip - 1, 1) == _HLT
        except GdbRefused:
            asleep = False
        if asleep:
            self.break_(f"*{rip:#x}", hardware=True, temporary=True)
            self.console(f"maintenance packet Qqemu.sstep={_STEP_ENABLE:#x}")
            self.nudge()
            self.continue_()
            self.wait_stop()
            self.console(f"maintenance packet Qqemu.sstep={_STEP_ALONE:#x}")
        self._roused = True

    def _return_type(self, function: str) -> str:
        """Return what a function returns, as C++ says it; asked once."""
        if function not in self._returns:
            try:
                printed = self.console(f"whatis {function}", language="c")
            except GdbRefused as error:
                if not _is_unread(error):
                    raise
                printed = self.console(f"whatis {function}", language="c++")
            kind = printed.partition("=")[2].strip()
            if "no debug info" in kind:
                self._returns[function] = "unknown"
            else:
                self._returns[function] = kind.partition("(")[0].strip()
        return self._returns[function]

    def symbol(self, name: str) -> int:
        """Return the address of a function or variable.

        Raises:
            GdbRefused: there is none of that name.
        """
        try:
            return mi.number(self._evaluate(f"(unsigned long)&{name}", ("c", "c++")))
        except GdbRefused as error:
            if not _is_unread(error) or "'" in name:
                raise
            first = error
        try:  # a name for the linker alone: Zig's have dots
            return mi.number(self._evaluate(f"(unsigned long)&'{name}'", ("c",)))
        except GdbRefused:
            raise first from None

    def backtrace(self) -> tuple[Frame, ...]:
        """Return the stack's frames, innermost first, at most 64."""
        found = self.execute("-stack-list-frames 0 63")["stack"]
        return tuple(mi.frame(entry.get("frame", entry)) for entry in found)


def _quoted(path: Path) -> str:
    """Return a file's name as an argument of gdb's console commands."""
    return "'" + str(path).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _is_unread(error: GdbRefused) -> bool:
    """Say whether gdb did not understand an expression, so that nothing of it was done."""
    return any(words in str(error) for words in _UNREAD)


def _literal(argument: int) -> str:
    """Return an integer as C text of a 64-bit type that has its sign."""
    if not -(1 << 63) <= argument < 1 << 64:
        raise ValueError(f"{argument} does not fit in 64 bits")
    cast = "(long)" if argument < 0 else ""
    return f"{cast}{argument & MASK64:#x}UL"
