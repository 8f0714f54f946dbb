"""Who wrote to some bytes of the guest: the last writes, with instruction, value and callers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringbench.config import Config
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ConfigError, StartError
from ringbench.explain.names import Names
from ringbench.explanation import Place
from ringbench.machine.command import escape
from ringbench.machine.folder import guarded_folder
from ringbench.machine.guest import Guest
from ringbench.machine.qemu import RAM_NAME
from ringbench.microscope.build import plugin_for
from ringbench.microscope.shared import Record, Shared

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


class Watch:
    """A target that is watched, from before its guest starts until it has been looked at."""

    def __init__(self, config: Config, target: Target, shared: Shared) -> None:
        self.config = config
        self._target = target
        self._shared = shared

    def attach(self, guest: Guest) -> None:
        """Tell the plugin where the guest has its RAM, before its first instruction.

        Raises:
            StartError: QEMU has not loaded the plugin.
        """
        if not self._shared.is_attached:
            raise StartError("QEMU has not loaded the plugin that watches memory accesses")
        self._shared.tell_ram(guest.ram)

    def seen(self, names: Names) -> Watched:
        """Return what was written so far, by a guest that is still."""
        return Watched(
            self._target,
            self._shared.written,
            tuple(_write(each, names) for each in self._shared.records()),
        )


@contextmanager
def watching(config: Config, target: Target, last: int) -> Iterator[Watch]:
    """Have `Watch.config` boot with a plugin that keeps the `last` writes to `target`.

    Raises:
        StartError: this QEMU has no plugins, there is no compiler, or no room.
    """
    end = target.address + target.length
    begin, virtual_end = (ADDRESSES - 1, 0) if target.physical else (target.address, end)
    with (
        guarded_folder("watch") as (folder, _),
        Shared(folder / "shared", begin, min(virtual_end, ADDRESSES - 1), last) as shared,
    ):
        plugin = plugin_for(config.machine.qemu, folder)
        if target.physical:
            shared.watch_frames(target.address, end)
        yield Watch(_with_plugin(config, plugin, folder / "shared"), target, shared)


def _with_plugin(config: Config, plugin: Path, shared: Path) -> Config:
    option = f"{escape(plugin)},shared={escape(shared)},ram={RAM_NAME}"
    arguments = (*config.machine.arguments, "-plugin", option)
    # Under KVM nobody sees the accesses.
    machine = replace(config.machine, arguments=arguments, accelerator="tcg")
    return replace(config, machine=machine)


def _write(record: Record, names: Names) -> Write:
    return Write(
        record.instruction,
        record.cpu,
        names.place(record.pc),
        record.address,
        record.physical,
        record.size,
        record.value,
        tuple(map(names.place, record.callers)),
    )
