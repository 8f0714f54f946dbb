"""Everything that can go wrong, as types.

One tree, so that the command line needs one ``except``: `RingbenchError` says which exit status
a failure means, and its text is one clear message - what is wrong, where, and what to do. What
a person asks for next (the guest's last words, its registers, how to boot it by hand) travels
with the exception as attributes of `MachineError` rather than inside that message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from ringbench.ending import Ending
from ringbench.explanation import Explanation


class RingbenchError(Exception):
    """Root of the bench's own failures; `exit_code` is the command's exit status."""

    exit_code = 3

    def __reduce__(self) -> tuple[Callable[..., RingbenchError], tuple[object, ...]]:
        """Come through between processes as it is, whatever its `__init__` takes."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    kind: type[RingbenchError], args: tuple[object, ...], attributes: dict[str, object]
) -> RingbenchError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigError(RingbenchError):
    """The configuration is wrong: the text names file, key and what was expected."""

    exit_code = 2


class ImageError(ConfigError):
    """A kernel file that the bench cannot boot or cannot read symbols from."""


class CoverageError(RingbenchError):
    """Which code ran cannot be found out: the text says why, and what to do."""

    exit_code = 2


class CoverageLost(CoverageError):
    """Part of what ran was not recorded, for instance because the disk is full."""

    exit_code = 3


class OutputError(RingbenchError):
    """A result cannot be written, to a file or to standard output."""


class OutputClosed(OutputError):
    """Whoever read standard output has gone, which is no failure: `ringbench pages | head -1`."""

    exit_code = 141  # 128 + SIGPIPE, as of any program in a pipeline


class WorkerDied(RingbenchError):
    """A process that performed part of the work is gone, and did not say why."""


class MalformedReply(RingbenchError):
    """The kernel's answer is not one that the operation can have."""


class MemoryUnreadable(RingbenchError):
    """A read that is not wholly inside guest memory.

    `paddr` and `length` are the refused range, in bytes.
    """

    def __init__(self, paddr: int, length: int, why: str) -> None:
        super().__init__(f"cannot read {length} bytes at physical address {paddr:#x}: {why}")
        self.paddr = paddr
        self.length = length


class MachineError(RingbenchError):
    """Something about one guest, with what is needed to look into it.

    `serial_tail` is the end of what the console said, `tails` has that of every other output that
    spoke, by name; `registers` is QEMU's dump of them where the guest was still there, `command` a
    shell command that boots the same guest by hand, and
    `folder` where the full logs are, if they are kept. `explanation` is why it ended, of a guest
    that has. `watched` is what was wrong with its accesses to memory before, as far as they were
    watched, in lines.
    """

    def __init__(
        self,
        message: str,
        *,
        serial_tail: str = "",
        registers: str = "",
        command: str = "",
        folder: Path | None = None,
        ending: Ending | None = None,
    ) -> None:
        super().__init__(message)
        self.serial_tail = serial_tail
        self.tails: Mapping[str, str] = {}
        self.registers = registers
        self.command = command
        self.folder = folder
        self.ending = ending
        self.explanation: Explanation | None = None
        self.watched: tuple[str, ...] = ()

    @property
    def outside(self) -> bool:
        """Whether it came from outside, so that it says nothing of the kernel."""
        return self.ending is not None and self.ending.outside

    def details(self) -> str:
        """Return the evidence as text, one headed section each; empty where there is none."""
        sections = [
            ("what happened", str(self.explanation) if self.explanation else ""),
            ("what was wrong with memory", "\n".join(self.watched)),
            ("the kernel's last words", "\n".join(self.ending.block) if self.ending else ""),
            ("end of the serial log", self.serial_tail),
            *((f"end of what {name} says", tail) for name, tail in self.tails.items()),
            ("registers", self.registers),
            ("to boot the same guest by hand", self.command),
            ("logs", str(self.folder) if self.folder else ""),
        ]
        return "\n".join(f"-- {title}\n{text.rstrip()}" for title, text in sections if text)


# Adds to an exception what its owner knows about the guest, and returns it to be raised: how
# the parts of a machine (serial, QMP, gdb) report failures without knowing the machine.
Evidence = Callable[[MachineError], MachineError]


def no_evidence(error: MachineError) -> MachineError:
    """Return `error` as it is: the `Evidence` of a part that is used alone."""
    return error


class StartError(MachineError):
    """QEMU or gdb is missing, or refused to start."""


class Ended(MachineError):
    """The guest came to an end while something was still wanted of it; `ending` says which."""


class QemuDied(Ended):
    """The QEMU process is gone, and the guest did not ask for that."""


class Hang(Ended):
    """The guest is there but did not do what it was asked within its deadline."""


class BootTimeout(Hang):
    """The kernel was not ready within the boot deadline."""


class CallError(MachineError):
    """A function of the kernel's that the bench called did not return.

    `step` is the number of the step, within its batch, that was under way; `results` has those of
    the steps before it.
    """

    def __init__(self, message: str, *, step: int) -> None:
        super().__init__(message)
        self.step = step
        self.results: tuple[int, ...] = ()


class SerialError(MachineError):
    """The serial line itself."""


class SerialTimeout(SerialError):
    """The awaited text did not come in time."""


class SerialClosed(SerialError):
    """QEMU closed its end of the line: the process is gone or going."""


class LastWords(SerialError):
    """The kernel printed the block that says it cannot go on; `block` has its lines.

    `opening` is which of the two patterns recognised it: "panic" or "exception".
    """

    def __init__(self, opening: Literal["panic", "exception"], block: tuple[str, ...]) -> None:
        super().__init__(f"the kernel's last words: {block[0]}")
        self.opening = opening
        self.block = block


class QmpError(MachineError):
    """QEMU refused a QMP command, or its monitor is gone."""


class QmpTimeout(QmpError):
    """QEMU did not answer a QMP command in time."""


class GdbError(MachineError):
    """The debugger."""


class GdbRefused(GdbError):
    """gdb answered a command with an error; the text has gdb's own words."""


class GdbTimeout(GdbError):
    """gdb did not answer, or the guest did not stop, in time."""


class GdbDied(GdbError):
    """The gdb process is gone."""
