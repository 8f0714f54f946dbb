"""Who wrote to some bytes of the guest: the last writes, with instruction, value and callers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from ringbench.config import Config
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ConfigError
from ringbench.explain.names import Names
from ringbench.explanation import Place
from ringbench.microscope.layout import Record
from ringbench.microscope.microscope import Microscope

WORD: Final = 8
"""Bytes that are watched where nothing says how many."""

ADDRESSES: Final = 1 << 64
_SYMBOL: Final = re.compile(r"(?P<name>.+?)(?:\+(?P<offset>0[xX][0-9a-fA-F]+|[0-9]+))?")
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Target:
    """What is watched: `length` bytes at `address`, a virtual one or a physical one."""

    name: str
    address: int
    length: int
    physical: bool = False

    def watch(self, microscope: Microscope, last: int) -> None:
        """Have the `last` writes to it kept, from now on."""
        microscope.watch_writes(
            self.address, self.address + self.length, last, physical=self.physical
        )

    def __str__(self) -> str:
        where = f"{'physical ' if self.physical else ''}{self.address:#x}"
        plural = "" if self.length == 1 else "s"
        named = "" if self.name == f"{self.address:#x}" else f"{self.name}: "
        return f"{named}{self.length:,} byte{plural} at {where}"


@dataclass(frozen=True, slots=True)
class Write:
    """One write to what is watched.

    Attributes:
        instruction: how many instructions the guest had executed, this one included.
        cpu: number of the processor.
        place: the instruction, by function, file and line.
        address: the virtual address that was written to.
        physical: where that is in memory; None for a device's.
        size: bytes.
        value: what is there after the write.
        callers: the calls that led there, the innermost first.
    """

    instruction: int
    cpu: int
    place: Place
    address: int
    physical: int | None
    size: int
    value: int
    callers: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen: `written` times in all, of which the last are `writes`, the oldest first."""

    target: Target
    written: int
    writes: tuple[Write, ...]


def find_target(config: Config, text: str, length: int | None, *, physical: bool) -> Target:
    """Return what `text` names: a number, or a symbol of the kernel's, with an offset if need be.

    Without a `length`, a symbol is watched as far as it goes, an address for 8 bytes.

    Raises:
        ConfigError: no such symbol, an address or a length that cannot be.
    """
    if _NUMBER.fullmatch(text):
        address = int(text, 0) if text[:2] in ("0x", "0X") else int(text)
        name, size = f"{address:#x}", WORD
    else:
        if physical:
            raise ConfigError(f"{text}: a physical address is a number; leave out --physical")
        name = text
        address, size = _symbol(config, text)
    length = size if length is None else length
    if length < 1 or address + length > ADDRESSES:
        raise ConfigError(f"{text}: {length} bytes at {address:#x} cannot be watched")
    return Target(name, address, length, physical)


def _symbol(config: Config, text: str) -> tuple[int, int]:
    kernel = config.kernel
    if kernel.slide == "auto":
        raise ConfigError(
            f'{text}: with kernel.slide = "auto" nobody knows before the boot where a symbol will '
            "be; give the number, or watch an address"
        )
    symbols = Symbols.load(kernel.elf, kernel.slide, kernel.more)
    match = _SYMBOL.fullmatch(text)
    whole = bool(symbols.addresses(text)) or match is None
    name = text if whole or match is None else match["name"]
    offset = 0 if whole or match is None or match["offset"] is None else int(match["offset"], 0)
    address, size = symbols.address(name), symbols.size(name)
    return address + offset, max(size - offset, 0) or WORD


def seen(microscope: Microscope, target: Target, names: Names) -> Watched:
    """Return what was written to a target so far, by a guest that is still."""
    writes = tuple(_write(each, names) for each in microscope.records())
    return Watched(target, microscope.written, writes)


def watched(config: Config) -> Config:
    """Return a configuration whose guests have a microscope that sees writes."""
    names = tuple(dict.fromkeys((*config.machine.watch, "writes")))
    return replace(config, machine=replace(config.machine, watch=names))


def _write(record: Record, names: Names) -> Write:
    event, access = record.event, record.access
    return Write(
        event.instruction,
        event.cpu,
        names.place(event.pc),
        access.address,
        access.physical,
        access.size,
        record.value,
        tuple(map(names.place, event.callers)),
    )
