"""The plugin in a guest's QEMU, and what the bench says to it and hears from it."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.config import Config
from ringbench.config.watch import ALL
from ringbench.errors import StartError
from ringbench.microscope import layout
from ringbench.microscope.build import plugin_for
from ringbench.microscope.layout import Function, Instrument, Lacking, RawFinding, Record
from ringbench.microscope.programs import REGISTERS, interface_of

INSTRUMENTS: Final = {each.name.lower(): each for each in Instrument if each.name}
"""Names as in `machine.watch`."""

ARENA_SHARE: Final = 3
"""The guest's memory by this is what instruments can have at most; what they do not use is none."""

ARENA_LEAST: Final = 16 << 20


class Microscope:
    """The plugin of one QEMU, with the instruments that `machine.watch` names.

    It is told what to watch before the guest's first instruction; later words reach only code that
    was not executed before.

    Attributes:
        file: the descriptor of the shared memory, which QEMU inherits.
        mapping: the shared memory.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        """Make the memory, and compile the plugin if it never was.

        Raises:
            StartError: this QEMU has no plugins, or not what they need; there is no compiler, or no
                room.
        """
        _require(config)
        self._plugin = plugin_for(config.machine.qemu, folder)
        arena = max(config.machine.memory // ARENA_SHARE, ARENA_LEAST) & -PAGE_SIZE
        self.file = os.memfd_create("ringbench-microscope", os.MFD_CLOEXEC)
        try:
            os.ftruncate(self.file, -(layout.SIZE + arena) // PAGE_SIZE * -PAGE_SIZE)
            self.mapping = mmap.mmap(self.file, 0)
        except OSError as error:
            os.close(self.file)
            raise StartError(f"no room for what is watched ({error.strerror})") from None
        bits = Instrument(0)
        for name in config.machine.watch:
            bits |= INSTRUMENTS.get(name, Instrument(0))  # "all" stands beside what it means
        self._set(layout.INSTRUMENTS_AT, bits, arena)

    def close(self) -> None:
        """Give the memory back."""
        self.mapping.close()
        os.close(self.file)

    def option(self, ram: str) -> str:
        """Return the value of QEMU's -plugin, where `ram` is a part of the name of RAM's file."""
        plugin = str(self._plugin).replace(",", ",,")
        return f"{plugin},shared=/proc/self/fd/{self.file},ram={ram}"

    @property
    def instruments(self) -> Instrument:
        """Those that are on."""
        return Instrument(self._word(layout.INSTRUMENTS_AT))

    def begin(self, ram: Iterable[tuple[int, int, int]]) -> None:
        """Say where the guest's RAM is: physical address, bytes, and offset in its file.

        Of more than 8 pieces, the first ones.

        Raises:
            StartError: QEMU has not loaded the plugin, or another one.
        """
        if self._word(layout.LAYOUT_AT) != layout.LAYOUT:
            raise StartError("QEMU has not loaded the plugin that watches memory accesses")
        self._table(layout.RAM_COUNT_AT, list(ram)[: layout.RAM_RANGES])

    def watch_calls(self, functions: Sequence[Function]) -> None:
        """Have instruments see the calls of these functions.

        Raises:
            ValueError: there are more than 64.
        """
        if len(functions) > layout.FUNCTIONS:
            raise ValueError(f"{len(functions)} functions: at most {layout.FUNCTIONS} are watched")
        self._table(layout.FUNCTION_COUNT_AT, [each.words() for each in functions])

    def trust(self, code: Sequence[tuple[int, int, int]]) -> None:
        """Have instruments not judge what code at [begin, end) does; of more than 64, the first."""
        self._table(layout.OWN_COUNT_AT, code[: layout.OWN_CODE])

    def watch_stacks(self, stacks: Sequence[tuple[int, int]]) -> None:
        """Watch the stacks at these addresses, [begin, end); of more than 32, the first ones."""
        some = stacks[: layout.STACKS]
        self._table(layout.STACK_COUNT_AT, [layout.stack_words(*each) for each in some])

    def stack_use(self, number: int) -> tuple[int, layout.Event | None]:
        """Return the lowest address of a stack that was used, and where that was; None: never."""
        return layout.stack_use_at(self.mapping, number)

    def watch_writes(self, begin: int, end: int, last: int, *, physical: bool = False) -> None:
        """Keep the `last` writes to addresses [begin, end), virtual or physical ones.

        Of more than 32 pages of physical memory, the first ones are watched.
        """
        if physical:
            pages = range(begin // PAGE_SIZE, -(-end // PAGE_SIZE))[: layout.PAGES]
            bounds = [(page * PAGE_SIZE, page * PAGE_SIZE + PAGE_SIZE) for page in pages]
            inside = [(base, max(begin - base, 0), min(end, to) - base) for base, to in bounds]
            self._table(layout.PAGE_COUNT_AT, inside)
            begin, end = layout.NOWHERE, 0
        self._set(layout.WATCHED_AT, begin, min(end, layout.NOWHERE), min(last, layout.RECORDS))

    @property
    def instructions(self) -> int:
        """How many instructions the guest had executed, when something was last noted at least."""
        return self._word(layout.INSTRUCTIONS_AT)

    @property
    def lacking(self) -> Lacking:
        """What instruments could not have."""
        return Lacking(self._word(layout.LACKING_AT))

    @property
    def written(self) -> int:
        """How many writes met what is watched."""
        return self._word(layout.WRITTEN_AT)

    def records(self) -> tuple[Record, ...]:
        """Return the last writes, the oldest first; the guest must be still."""
        capacity = self._word(layout.WATCHED_AT + 2 * layout.WORD)
        last = range(max(0, self.written - capacity), self.written)
        return tuple(layout.record_at(self.mapping, number % capacity) for number in last)

    @property
    def found(self) -> int:
        """How many findings there are: cheap to ask, whatever the guest does."""
        return self._word(layout.FOUND_AT)

    @property
    def further(self) -> int:
        """How often something else was found that there was no room for."""
        return self._word(layout.FURTHER_AT)

    def findings(self) -> tuple[RawFinding, ...]:
        """Return what was found, in that order; the guest must be still."""
        return tuple(layout.finding_at(self.mapping, number) for number in range(self.found))

    def _word(self, at: int) -> int:
        return int.from_bytes(self.mapping[at : at + layout.WORD], "little")

    def _set(self, at: int, *words: int) -> None:
        struct.pack_into(f"<{len(words)}Q", self.mapping, at, *words)

    def _table(self, count_at: int, rows: Sequence[Sequence[int]]) -> None:
        words = [word for row in rows for word in row]
        self._set(count_at, len(rows), *words)


def _require(config: Config) -> None:
    """Refuse a QEMU with which nothing at all would be watched.

    Beside other instruments, `lacking` says what could not be.
    """
    qemu = config.machine.qemu
    if set(config.machine.watch) <= {"translations", ALL} and interface_of(qemu) < REGISTERS:
        raise StartError(
            f"machine.qemu: {qemu} does not show plugins the registers by which translations are "
            "watched: take a QEMU of 9.1 or later; `ringbench doctor` says whether one is here"
        )
