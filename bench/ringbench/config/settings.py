"""The configuration as frozen values: every field is checked, every path absolute.

The field names are the keys of the file, so that one list serves both: `ringbench.config.load`
turns a table into the class of the same name and reads the defaults from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ringbench.config.contracts import Contracts
from ringbench.config.layout import Layout
from ringbench.config.watch import Watch

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Module:
    """A Multiboot module: a file, and the text that the kernel gets with it."""

    path: Path
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A further disk of the guest: an image that is never written, and how it is attached.

    By its `serial` string the guest tells a `virtio` disk from others; empty: it has none. One
    without an image is `size` bytes of zeros.
    """

    path: Path | None
    interface: str = "ide"
    serial: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a dialogue: a pattern that is awaited, and the line that is then typed."""

    expect: str
    send: str


@dataclass(frozen=True, slots=True)
class Ready:
    """What a boot waits for.

    `kind` is "prompt", "quiet" (nothing more is said for a while), "end" (of the run), "nothing",
    "log" (a line that matches the pattern `value`) or "function" (of the name `value`).
    """

    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tells that a kernel's own tests passed, or failed; each part is enough.

    `exit` is QEMU's exit status, which isa-debug-exit makes of the value that the kernel writes:
    twice the value, plus 1. `log` is a pattern for a line of any output. `shutdown` is whether it
    is told by the guest switching itself off.
    """

    exit: int | None = None
    log: str | None = None
    shutdown: bool = False


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """What is booted, and how it talks.

    `console` is the output that commands are typed at; the other `outputs` are kept beside it.
    Its prompt is an exact text, `prompt`, or a regular expression, `prompt_pattern`, at the end of
    a line after which nothing comes for `prompt_rest` seconds. `login` is a dialogue before the
    first prompt. `ready` is what a boot waits for. `log` matches lines that the kernel writes at
    any time, and that belong to no reply.

    `panic`, `exception` and `end` are regular expressions matched against whole lines: the
    first two recognise the line that opens the kernel's own last words, the third the line
    that closes them. Without `end`, the block ends when the line falls silent.

    `passed` and `failed` decide over a kernel that tests itself; `tests` matches the line of one
    of its tests, with the groups `name` and `result`. `subject` names what the bench knows of the
    kernel (`ringbench.subjects`). `slide` is how much higher the kernel runs than it was linked, or
    "auto": to be found from where it runs; `more` are further ELF files whose symbols and types are
    known.
    """

    elf: Path
    image: Path
    prompt: str | None = None
    prompt_pattern: str | None = None
    prompt_rest: float = 0.05
    console: str = "com1"
    outputs: tuple[str, ...] = ("com1", "com2", "debugcon", "vga")
    input: str | None = None
    ready: Ready | None = None
    login: tuple[Step, ...] = ()
    command_line: str = ""
    modules: tuple[Module, ...] = ()
    line_end: str = "\n"
    log: str | None = None
    panic: str | None = None
    exception: str | None = None
    end: str | None = None
    passed: Outcome | None = None
    failed: Outcome | None = None
    tests: str | None = None
    subject: str | None = None
    slide: int | Literal["auto"] = 0
    more: tuple[Path, ...] = ()

    @property
    def is_iso(self) -> bool:
        """Whether the image is a disc with its own boot loader."""
        return self.image.suffix.lower() == ".iso"

    @property
    def has_prompt(self) -> bool:
        """Whether commands can be typed at it, because the end of a reply can be told."""
        return self.prompt is not None or self.prompt_pattern is not None

    @property
    def awaited(self) -> Ready:
        """What a boot waits for: `ready`, or what follows from the other keys."""
        if self.ready is not None:
            return self.ready
        if self.passed or self.failed or self.tests:
            return Ready("end")
        return Ready("prompt" if self.has_prompt else "quiet")


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """The machine that QEMU makes; `memory` in bytes, `firmware` "bios", "uefi" or a file.

    `accelerator` may be a list of which QEMU takes the first that works: "kvm:tcg". `display` is
    QEMU's name of a card, or "none". `debugcon` is the port of the output of that name. QEMU's log
    has every exception and interrupt if `log_exceptions`, which explains how a guest ended; a guest
    that takes millions of them runs much faster without.
    `translations` is a folder for QEMU's logs of the kernel code that it translates; with
    `branches` it gets records of a plugin's instead, of each instruction and of both ways of
    conditional jumps. `guest_calls` gives the guest memory of the bench's own, by which the
    kernel's functions can be called (`ringbench.drive.guest_calls`). `watch` names what of the
    guest's memory accesses is watched, by a plugin inside QEMU (`ringbench.microscope`); QEMU then
    emulates, whatever `accelerator` is.
    """

    qemu: str = "qemu-system-x86_64"
    gdb: str = "gdb"
    type: str = "pc"
    memory: int = 64 * MIB
    cpu: str = "max"
    accelerator: str = "tcg"
    smp: str = "1"
    firmware: str = "bios"
    display: str = "std"
    debugcon: int = 0xE9
    disks: tuple[Disk, ...] = ()
    log_exceptions: bool = True
    arguments: tuple[str, ...] = ()
    translations: Path | None = None
    branches: bool = False
    guest_calls: bool = False
    watch: tuple[str, ...] = ()


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
    contracts: Contracts = field(default_factory=Contracts)
    layout: Layout = field(default_factory=Layout)
    watch: Watch = field(default_factory=Watch)
