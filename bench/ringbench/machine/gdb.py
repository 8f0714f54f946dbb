"""The debugger: what a person does in gdb, as methods that return values.

gdb is in asynchronous mode: it takes commands while the guest runs, and `running` says whether
the guest does. The guest is stopped by connecting. Here are how gdb starts, expressions, and calls
of the guest's functions; in `gdb_control` running and stopping, in `gdb_state` memory and
registers, in `gdb_pipe` how commands and answers travel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ringbench.errors import Evidence, GdbRefused, MachineError, no_evidence
from ringbench.machine import mi
from ringbench.machine.deadline import Deadline
from ringbench.machine.gdb_control import GdbControl
from ringbench.machine.gdb_state import MASK64
from ringbench.machine.process import Guard, Process

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


class Gdb(GdbControl):
    """One gdb process. `seconds` is the deadline of each command that names none."""

    def __init__(self, process: Process, seconds: float, evidence: Evidence = no_evidence) -> None:
        super().__init__(process, seconds, evidence)
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
        HLT is woken first, and stops again behind it. A breakpoint within the function leaves the
        guest there: `wait_stop` says where, and `finish` ends the call and puts the guest back.

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

    def _resume(self, command: str) -> None:
        self._roused = False
        super()._resume(command)

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
            kind = printed.partition("=")[2].strip().partition("\n")[0]
            if "(" not in kind and "no debug info" not in kind:
                raise GdbRefused(
                    f"{function!r} is no function, but of type {kind!r}: what it is called with is "
                    'given beside its name, as in call("kmalloc", 64)'
                )
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
