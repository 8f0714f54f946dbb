"""Where `pages` and `translate` read from: a machine booted for it, or a saved memory dump."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ringbench.arch.x86_64.address import ADDRESS_END, LEVEL_NAMES, MAX_LEVELS, PAGE_SIZE
from ringbench.arch.x86_64.control import Efer, paging_mode
from ringbench.arch.x86_64.features import Features
from ringbench.arch.x86_64.levels import levels_of
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.walk import root_table
from ringbench.cli.common import (
    bring_up_to_look,
    command_option,
    configured,
    dumping,
    machine_options,
    save_dump_option,
)
from ringbench.debuginfo.elf import LoadSegment, load_segments
from ringbench.errors import ConfigError, Ended, ImageError, MemoryUnreadable, RingbenchError

if TYPE_CHECKING:
    from ringbench.machine import Machine
    from ringbench.machine.core_file import Control
    from ringbench.machine.dump import Dump

LONGEST_NUMBER: Final = 100
"""Characters; Python refuses to convert thousands of digits, and no address has this many."""

_READ: Final = "only 4-level and 5-level paging is read, 32-bit paging and PAE are not"

Command = TypeVar("Command", bound=Callable[..., Any])


def address(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """Read an unsigned 64-bit number that may be left out: `number` as a callback for click."""
    return None if text is None else number(text)


def number(text: str) -> int:
    """Read an unsigned 64-bit number: decimal, or hexadecimal with 0x.

    Raises:
        click.BadParameter: it is none; the message says what was expected.
    """
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|[0-9]+", text):
        raise click.BadParameter(f"{text!r} is not a number; give 0x and hexadecimal, or decimal")
    base = 16 if text[:2] in ("0x", "0X") else 10
    value = int(text, base) if len(text) <= LONGEST_NUMBER else None
    if value is None or value >= ADDRESS_END:
        raise click.BadParameter(f"{text!r} does not fit in 64 bits")
    return value


@dataclass(frozen=True, slots=True)
class PageSource:
    """Memory, a root in it, and the processor to which the tables mean something.

    Attributes:
        text: the kernel's code, if its ELF file is known.
        ram: start and end of each piece of RAM; None if that is not known.
        ended: how the guest ended before it came to its prompt, if it did: the tables are those
            that it left.
    """

    memory: PhysicalMemory
    root: int
    features: Features
    text: tuple[LoadSegment, ...]
    ram: tuple[tuple[int, int], ...] | None
    ended: Ended | None = None

    def tell_ending(self) -> None:
        """Report, when all else is said, that the guest ended.

        Raises:
            Ended: it did.
        """
        if self.ended is not None:
            raise self.ended


def page_source_options(command: Command) -> Command:
    """Add the options that say where to read from; `open_page_source` takes their values."""
    options = (
        click.option(
            "--dump",
            type=click.Path(path_type=Path),
            help="Read this file, and boot nothing: raw physical memory from 0, or an ELF core.",
        ),
        click.option(
            "--root",
            callback=address,
            metavar="PA",
            help="Physical address of the PML4 or PML5.  [default: CR3; a raw dump has none]",
        ),
        click.option(
            "--levels",
            type=click.Choice(["4", "5"]),
            help="Levels of a dump's tables.  [default: by CR4; of a raw dump 4, unless the root "
            "reads well as a PML5 alone]",
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
    levels: str | None,
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
            f"--root {root:#x} is not a multiple of 4096: give the root table's physical address, "
            "which is CR3 without its low 12 bits"
        )
    if dump is not None:
        if save_dump is not None or lines:
            raise click.UsageError("--save-dump and --command need a machine; --dump boots none")
        from ringbench.machine.dump import open_dump

        with open_dump(dump) as opened:
            elf = machine["elf"]
            assert elf is None or isinstance(elf, Path)
            yield _of_dump(dump, opened, root, int(levels) if levels else None, elf)
    else:
        if levels is not None:
            raise click.UsageError("--levels is for --dump; a machine's own CR4 says it")
        yield from _from_machine(root, save_dump, lines, **machine)


def _of_dump(
    path: Path, dump: Dump, root: int | None, levels: int | None, elf: Path | None
) -> PageSource:
    given = root is not None
    if root is None:
        if dump.control is None:
            raise click.UsageError(
                f"--dump needs --root PA, the physical address of the PML4: {path} does not say"
            )
        levels = levels or _mode_levels(dump.control, str(path))
        root = root_table(dump.control.cr3)
    what = f"the dump {path}, which ends at {dump.end:#x}"
    _require_inside(dump.memory, root, what, "--root" if given else "CR3")
    if levels is None and dump.control is not None and dump.control.is_64_bit:
        levels = _mode_levels(dump.control, str(path))
    if levels is None:
        levels = levels_of(dump.memory, root)
        if levels == MAX_LEVELS:
            click.echo(
                f"ringbench: {root:#x} reads well as a {LEVEL_NAMES[levels]} alone, so 5 levels "
                "are read; --levels 4 takes it for a PML4",
                err=True,
            )
    text = _text_of(elf) if elf is not None else ()
    return PageSource(dump.memory, root, Features(levels=levels), text, None)


def _mode_levels(control: Control, what: str) -> int:
    """Return the levels of the mode that a dump's registers select."""
    efer = Efer.LME if control.is_64_bit else 0
    return _levels(control.cr0, control.cr4, efer, f"{what}: the guest")


def _levels(cr0: int, cr4: int, efer: int, what: str) -> int:
    """Return the levels of the mode that registers select.

    Raises:
        RingbenchError: it is one that is not read; the message has its name.
    """
    mode = paging_mode(cr0, cr4, efer)
    if mode.levels is None:
        raise RingbenchError(
            f"{what} uses {mode.value} (cr0 {cr0:#x}, cr4 {cr4:#x}, efer {efer:#x}): {_READ}"
        )
    return mode.levels


def _from_machine(
    root: int | None, save_dump: Path | None, lines: tuple[str, ...], **machine: object
) -> Iterator[PageSource]:
    from ringbench.machine import Machine

    config = configured(**machine)
    with Machine.launch(config) as guest:
        ended = bring_up_to_look(guest, lines)
        yield from _still(guest, root, save_dump, ended)


def _still(
    guest: Machine, root: int | None, save_dump: Path | None, ended: Ended | None
) -> Iterator[PageSource]:
    """Hold a guest still, and give its pages."""
    from ringbench.observe.processor import read_features, read_registers

    elf = guest.config.kernel.elf
    with guest.stopped(), dumping(guest, save_dump):
        registers = read_registers(guest)
        try:
            _levels(registers.cr0, registers.cr4, registers.efer, f"{elf}: the guest")
        except RingbenchError as error:
            raise ended or error from None
        features = read_features(guest, registers)
        if root is not None:
            end = guest.ram.end
            _require_inside(guest.memory, root, f"the guest's memory, up to {end:#x}", "--root")
        yield PageSource(
            guest.memory,
            root_table(registers.cr3 if root is None else root, features),
            features,
            _text_of_kernel(elf),
            tuple((piece.base, piece.end) for piece in guest.ram.ranges),
            ended,
        )


def _text_of(elf: Path) -> tuple[LoadSegment, ...]:
    """Return what an ELF file has to be executed; it needs no symbols for that.

    Raises:
        ImageError: not a usable ELF file.
    """
    return tuple(each for each in load_segments(elf) if each.executable and each.size)


def _text_of_kernel(elf: Path) -> tuple[LoadSegment, ...]:
    """Return the code of the kernel that booted; none if what it boots by is no ELF file."""
    try:
        return _text_of(elf)
    except ImageError:
        return ()


def _require_inside(memory: PhysicalMemory, root: int, what: str, name: str) -> None:
    try:
        memory.read(root, PAGE_SIZE)
    except MemoryUnreadable:
        raise ConfigError(f"{name} {root:#x} is not inside {what}") from None
