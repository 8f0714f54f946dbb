"""The configuration as frozen values: every field is checked, every path absolute.

The field names are the keys of the file, so that one list serves both: `ringbench.config.load`
turns a table into the class of the same name and reads the defaults from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Module:
    """A Multiboot module: a file, and the text that the kernel gets with it."""

    path: Path
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """What is booted, and how its console is recognised.

    `panic`, `exception` and `end` are regular expressions matched against whole lines: the
    first two recognise the line that opens the kernel's own last words, the third the line
    that closes them. Without `end`, the block ends when the line falls silent. `subject` names what
    the bench knows of the kernel (`ringbench.subjects`). `slide` is how much higher the kernel runs
    than it was linked, or "auto": to be found from where it runs; `more` are further ELF files
    whose symbols and types are known.
    """

    elf: Path
    image: Path
    prompt: str
    command_line: str = ""
    modules: tuple[Module, ...] = ()
    line_end: str = "\n"
    panic: str | None = None
    exception: str | None = None
    end: str | None = None
    subject: str | None = None
    slide: int | Literal["auto"] = 0
    more: tuple[Path, ...] = ()

    @property
    def is_iso(self) -> bool:
        """Whether the image is a disc with its own boot loader."""
        return self.image.suffix.lower() == ".iso"


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """The machine that QEMU makes; `memory` in bytes, `firmware` "bios", "uefi" or a file.

    `translations` is a folder for QEMU's logs of the kernel code that it translates.
    """

    qemu: str = "qemu-system-x86_64"
    gdb: str = "gdb"
    memory: int = 64 * MIB
    cpu: str = "max"
    accelerator: str = "tcg"
    firmware: str = "bios"
    arguments: tuple[str, ...] = ()
    translations: Path | None = None


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: to the prompt, for one reply, for one debugger command, for an orderly stop."""

    boot: float = 30.0
    reply: float = 10.0
    gdb: float = 10.0
    stop: float = 5.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything about one kernel; `source` is the file that it came from."""

    kernel: KernelConfig
    source: Path
    machine: MachineConfig = field(default_factory=MachineConfig)
    deadlines: Deadlines = field(default_factory=Deadlines)
