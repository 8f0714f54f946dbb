"""Where `pages` and `translate` read from: a machine booted for it, or a saved memory dump."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ringbench.arch.x86_64.address import ADDRESS_END, PAGE_SIZE
from ringbench.arch.x86_64.control import is_4_level
from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import root_table
from ringbench.cli.common import (
    command_option,
    configured,
    dumping,
    machine_options,
    save_dump_option,
    type_lines,
)
from ringbench.errors import ConfigError, RingbenchError

if TYPE_CHECKING:
    from ringbench.machine import Machine

LONGEST_NUMBER: Final = 100
"""Characters; Python refuses to convert thousands of digits, and no address has this many."""

Command = TypeVar("Command", bound=Callable[..., Any])


def address(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """Read an unsigned 64-bit number: decimal, or hexadecimal with 0x. A callback for click.

    Raises:
        click.BadParameter: it is none; the message says what was expected.
    """
    if text is None:
        return None
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", text):
        raise click.BadParameter(f"{text!r} is not a number; give 0x and hexadecimal, or decimal")
    base = 16 if text[:2] in ("0x", "0X") else 10
    number = int(text, base) if len(text) <= LONGEST_NUMBER else None
    if number is None or number >= ADDRESS_END:
        raise click.BadParameter(f"{text!r} does not fit in 64 bits")
    return number


@dataclass(frozen=True, slots=True)
class PageSource:
    """Memory, a root in it, and the processor to which the tables mean something."""

    memory: PhysicalMemory
    root: int
    features: Features


def page_source_options(command: Command) -> Command:
    """Add the options that say where to read from; `open_page_source` takes their values."""
    options = (
        click.option(
            "--dump",
            type=click.Path(path_type=Path),
            help="Read this file of guest-physical memory from 0; needs --root. Boots nothing.",
        ),
        click.option(
            "--root",
            callback=address,
            metavar="PA",
            help="Physical address of the PML4.  [default: the booted kernel's CR3]",
        ),
        command_option,
        save_dump_option,
    )
    for option in reversed(options):
        command = option(command)
    return machine_options(command)


@contextmanager
def open_page_source(
    dump: Path | None,
    root: int | None,
    save_dump: Path | None,
    lines: tuple[str, ...],
    **machine: object,
) -> Iterator[PageSource]:
    """Open the dump, or boot the machine and hold it still; for the length of a `with`.

    Raises:
        click.UsageError: options that do not go together.
        ConfigError: an unusable dump or root.
        RingbenchError: whatever keeps the machine from being looked at.
    """
    if root is not None and root % PAGE_SIZE:
        raise ConfigError(
            f"--root {root:#x} is not a multiple of 4096: give the PML4's physical address, "
            "which is CR3 without its low 12 bits"
        )
    if dump is not None:
        if root is None:
            raise click.UsageError("--dump needs --root PA: the physical address of the PML4")
        if save_dump is not None or lines:
            raise click.UsageError("--save-dump and --command need a machine; --dump boots none")
        yield from _from_dump(dump, root)
    else:
        yield from _from_machine(root, save_dump, lines, **machine)


def _from_dump(dump: Path, root: int) -> Iterator[PageSource]:
    from ringbench.machine.memory import FileMemory

    if not dump.exists():
        raise ConfigError(f"--dump {dump}: there is no such file")
    if not dump.is_file():
        raise ConfigError(f"--dump {dump}: not a regular file")
    try:
        length = dump.stat().st_size
        with dump.open("rb"):
            pass
    except OSError as error:
        raise ConfigError(f"--dump {dump}: cannot be read: {error.strerror}") from None
    if length == 0:
        raise ConfigError(f"--dump {dump}: the file is empty")
    _require_inside(root, length, f"the dump {dump}, which ends at {length:#x}")
    with FileMemory(dump) as memory:
        yield PageSource(memory, root, ANY)


def _from_machine(
    root: int | None, save_dump: Path | None, lines: tuple[str, ...], **machine: object
) -> Iterator[PageSource]:
    from ringbench.machine import Machine

    config = configured(**machine)
    with Machine.start(config) as guest:
        type_lines(guest, lines)
        yield from _still(guest, root, save_dump)


def _still(guest: Machine, root: int | None, save_dump: Path | None) -> Iterator[PageSource]:
    """Hold a guest still, and give its pages."""
    from ringbench.observe.processor import read_features, read_registers

    with guest.stopped(), dumping(guest, save_dump):
        registers = read_registers(guest)
        if not is_4_level(registers.cr0, registers.cr4, registers.efer):
            raise RingbenchError(
                f"{guest.config.kernel.elf}: the guest does not use 4-level paging "
                f"(cr0 {registers.cr0:#x}, cr4 {registers.cr4:#x}, efer {registers.efer:#x})"
            )
        features = read_features(guest, registers)
        if root is not None:
            _require_inside(root, guest.ram.end, f"the guest's memory, up to {guest.ram.end:#x}")
        yield PageSource(
            guest.memory, root_table(registers.cr3 if root is None else root, features), features
        )


def _require_inside(root: int, end: int, what: str) -> None:
    if root + PAGE_SIZE > end:
        raise ConfigError(f"--root {root:#x} is not inside {what}")
