"""Sequences as files that a person can read, type and run: a line an operation.

    #!/usr/bin/env -S ringbench replay
    # pmm: reply: expected 'not_allocated', seen 'ok' (operation 3: pmm free 0x148000 1)
    # ringbench 1: memory=16M cpu=max
    # seed 1, batch 3; kernel 5c1e09ab12f4
    pmm alloc
    pmm free 0x148000 1
    pmm free 0x148000 1

Lines that begin with `#` say what it shows; the one with `ringbench 1:` says on which machine, and
which version of this format it is. All else are operations, as the
subject writes them and reads them back; of the reference kernel they are lines of its console.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from ringbench.config import Config, override
from ringbench.config.settings import MIB, Disk, Module
from ringbench.drive.channel import AnyOperation
from ringbench.engine.runner import Failure
from ringbench.errors import ConfigError
from ringbench.files import read_text, write_atomically

VERSION: Final = "1"
SUFFIX: Final = ".ring"
FIRST_LINE: Final = "#!/usr/bin/env -S ringbench replay"
MACHINE_LINE: Final = re.compile(r"# ringbench (\S+):(.*)")
MACHINE_KEYS: Final = {
    "memory": "machine.memory",
    "cpu": "machine.cpu",
    "watch": "machine.watch",
}
"""Word of the machine's line -> key of the configuration."""

LONGEST: Final = 16 << 20
LINES: Final = 1 << 19
LONGEST_LINE: Final = 1 << 13
"""Bytes and lines of a script, and characters of a line: far more than any operation has."""

MODULES, SPLIT, DISKS = "modules", "split", "disks"
"""The other words: how many Multiboot modules there are, each the kernel's own image again; how
much of the memory lies below 4 GiB, the rest above; and virtio disks, with commas between them, of
zeros, `SERIAL:SIZE`, or with what a file has, `SERIAL:FILE`, from the configuration's folder on."""

Parse = Callable[[str], AnyOperation]
"""Makes an operation of a line, or raises ConfigError."""

SPLIT_ARGUMENT: Final = "max-ram-below-4g="
"""QEMU's name for the latter, of its option -machine."""


@dataclass(frozen=True, slots=True)
class Script:
    """A sequence, and the machine that it is for.

    Attributes:
        operations: from boot on.
        machine: "memory", "cpu", "watch", "modules", "split", "disks", each only if it matters.
        about: lines for people.
    """

    operations: tuple[AnyOperation, ...]
    machine: Mapping[str, str] = field(default_factory=dict)
    about: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The operations as the subject writes them."""
        return tuple(map(str, self.operations))

    def text(self) -> str:
        """The whole file."""
        words = "".join(f" {key}={value}" for key, value in self.machine.items())
        about = [f"# {line}".rstrip() for each in self.about for line in each.splitlines()]
        head = [FIRST_LINE, *about, f"# ringbench {VERSION}:{words}"]
        return "\n".join([*head, *self.lines]) + "\n"

    def on(self, config: Config) -> Config:
        """The configuration with this sequence's machine.

        Raises:
            ConfigError: there is no such machine.
        """
        return with_machine(config, self.machine)

    def but_on(self, machine: Mapping[str, str]) -> Self:
        """Return this script for a machine with some words replaced."""
        return replace(self, machine={**self.machine, **machine})

    def write(self, path: Path) -> None:
        """Write the file, which can then be run.

        Raises:
            OutputError: it cannot be written.
        """
        write_atomically(path, self.text(), mode=0o755)


def with_machine(config: Config, machine: Mapping[str, str]) -> Config:
    """Return a configuration with the machine that some words name.

    Raises:
        ConfigError: there is no such machine.
    """
    words = {MACHINE_KEYS[key]: value for key, value in machine.items() if key in MACHINE_KEYS}
    config = override(config, words)
    if MODULES in machine:
        if config.kernel.is_iso or not re.fullmatch("[0-9]{1,2}", machine[MODULES]):
            shown = machine[MODULES][:40]
            raise ConfigError(f"{MODULES}={shown}: expected a number up to 99, and no ISO")
        modules = (Module(config.kernel.image, "module"),) * int(machine[MODULES])
        config = replace(config, kernel=replace(config.kernel, modules=modules))
    if DISKS in machine:
        disks = [_disk(text, config) for text in machine[DISKS].split(",")]
        config = override(config, {"machine.disks": disks})
    if SPLIT in machine:
        arguments = (*config.machine.arguments, "-machine", SPLIT_ARGUMENT + machine[SPLIT])
        config = override(config, {"machine.arguments": list(arguments)})
    return config


def _disk(text: str, config: Config) -> str:
    serial, _, content = text.partition(":")
    if not serial or not content:
        expected = f"SERIAL:SIZE or SERIAL:FILE, as in {DISKS}=swap:4M"
        raise ConfigError(f"{DISKS}={text[:40]}: expected {expected}")
    if not re.fullmatch("[0-9]{1,12}[KMG]", content):
        content = str(config.source.parent / content)
    return f"{content} virtio serial={serial}"


def _disk_word(disk: Disk, config: Config) -> str:
    if disk.path is None:
        return f"{disk.serial}:{disk.size // 1024}K"
    folder = config.source.parent
    inside = disk.path.is_relative_to(folder)
    return f"{disk.serial}:{disk.path.relative_to(folder) if inside else disk.path}"


def machine_words(config: Config) -> dict[str, str]:
    """Return a configuration's machine as a script names it."""
    memory = config.machine.memory
    words = {
        "memory": f"{memory // MIB}M" if memory % MIB == 0 else str(memory),
        "cpu": config.machine.cpu,
    }
    if config.machine.watch:
        words["watch"] = ",".join(config.machine.watch)
    if config.kernel.modules:
        words[MODULES] = str(len(config.kernel.modules))
    disks = [_disk_word(disk, config) for disk in config.machine.disks if disk.serial]
    if disks:
        words[DISKS] = ",".join(disks)
    for argument in config.machine.arguments:
        if argument.startswith(SPLIT_ARGUMENT):
            words[SPLIT] = argument.removeprefix(SPLIT_ARGUMENT)
    return words


def read_script(path: Path, parse: Parse) -> Script:
    """Read a file; `parse` is the subject's.

    Raises:
        ConfigError: it cannot be read, is of another version, or a line is no operation: the text
            has file and line.
    """
    return parse_script(read_text(path, "script", LONGEST), str(path), parse)


def parse_script(text: str, name: str, parse: Parse) -> Script:
    """Return what a file's text holds; `name` is for messages, `parse` is the subject's.

    Raises:
        ConfigError: as for `read_script`.
    """
    operations: list[AnyOperation] = []
    machine: dict[str, str] = {}
    about: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        if number > LINES:
            raise ConfigError(f"{name}: over {LINES:,} lines, more than are performed in one go")
        if len(line) > LONGEST_LINE:
            raise ConfigError(f"{where}: a line of {len(line):,} characters")
        if found := MACHINE_LINE.fullmatch(line):
            machine = _machine(where, *found.groups())
        elif line.startswith("#!"):
            continue
        elif line.startswith("#"):
            about.append(line[1:].strip())
        elif line.strip():
            try:
                operations.append(parse(line))
            except ConfigError as error:
                raise ConfigError(f"{where}: {_cut(str(error))}") from None
    return Script(tuple(operations), machine, tuple(about))


def _cut(message: str) -> str:
    """Return a message without its middle if it is long: it repeats the line that it is about."""
    return message if len(message) <= 400 else f"{message[:200]} ... {message[-100:]}"


def _machine(where: str, version: str, words: str) -> dict[str, str]:
    if version != VERSION:
        raise ConfigError(f"{where}: version {version} of the format; this reads {VERSION}")
    machine = {}
    for word in words.split():
        key, equals, value = word.partition("=")
        if key not in (*MACHINE_KEYS, MODULES, SPLIT, DISKS) or not equals:
            known = ", ".join((*MACHINE_KEYS, MODULES, SPLIT, DISKS))
            raise ConfigError(f"{where}: {word!r}: expected KEY=VALUE with one of {known}")
        machine[key] = value
    return machine


def failure_script(failure: Failure, machine: Mapping[str, str], note: str = "") -> Script:
    """Return a failing sequence as a script that says what it shows."""
    caught = failure.caught
    about = [str(mismatch) for mismatch in caught.mismatches[:1]] or [caught.ending]
    if failure.whole:
        about.append("seen by QEMU's or the kernel's own view, not in memory")
    if not failure.repeats:
        about.append("it did not fail again when it was performed once more")
    return Script(failure.operations, machine, (*about, *([note] if note else [])))
