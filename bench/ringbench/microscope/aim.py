"""What instruments are told of a kernel: its allocators' functions, as `[contracts]` names them.

An allocator's own accesses are not judged: those made within a call of one of these functions, and
those of code beside them: of the functions that come from the same source file, as DWARF has it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.config import Config
from ringbench.config.call_text import CallText
from ringbench.debuginfo.near import near
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ConfigError
from ringbench.explain.names import Names
from ringbench.microscope.layout import Function, Instrument
from ringbench.microscope.microscope import Microscope

UNKNOWN: Final = ("constant", 0)
VIRTUAL: Final = 1 << 32
"""Beside the unit of a frame's name: it is a virtual address."""

HEAP_ROLES: Final = {
    "alloc": 1,
    "zalloc": 2,
    "aligned": 3,
    "realloc": 4,
    "free": 5,
    "usable": 6,
}
"""plugin/heap.h: heap_role."""

HEAP_FRAMES: Final = 7
FRAME_ROLES: Final = {"alloc": 1, "alloc_run": 1, "free": 2, "free_run": 2}
"""plugin/frames.h: frames_role; of one that takes `{bytes}`, the next but one."""

OF_BYTES: Final = 2


class _Call(NamedTuple):
    key: str
    call: CallText


def aim(microscope: Microscope, config: Config) -> None:
    """Tell the instruments that are on which functions are the kernel's allocators.

    Raises:
        ConfigError: the configuration does not say, or what it names is not there.
        ImageError: the kernel's symbols cannot be read.
    """
    heap = microscope.instruments & Instrument.HEAP
    frames = microscope.instruments & Instrument.FRAMES
    if microscope.instruments & Instrument.UNWRITTEN and not heap:
        raise ConfigError(f'{config.source}: machine.watch: "unwritten" is of the heap: add "heap"')
    if not heap and not frames:
        return
    search = _Search(config)
    functions: list[Function] = []
    own: list[tuple[Instrument, int, int]] = []
    if heap:
        functions += _heap(search)
        own += _own(search, functions, Instrument.HEAP)
        functions += _frames(search, Instrument.HEAP)
    if frames:
        found = list(_frames(search, Instrument.FRAMES))
        functions += found
        own += _own(search, found, Instrument.FRAMES)
    microscope.watch_calls(functions)
    microscope.trust(own)


class _Search:
    """The kernel's symbols, and what the configuration has of calls."""

    def __init__(self, config: Config) -> None:
        kernel = config.kernel
        if kernel.slide == "auto":
            raise ConfigError(
                f'{config.source}: machine.watch: with kernel.slide = "auto" nobody knows before '
                "the boot where the allocators' functions will be; give the number"
            )
        self.config = config
        self.slide = kernel.slide
        self.symbols = Symbols.load(kernel.elf, kernel.slide, kernel.more)
        self.names = Names(kernel.elf, lambda: self.slide, kernel.more)

    def address(self, key: str, call: CallText) -> int:
        found = self.symbols.addresses(call.function)
        if len(found) == 1:
            return found[0]
        what = "no symbol" if not found else "several symbols"
        hint = (
            near(call.function, self.symbols.names)
            or ": the compiler may have put it into its callers; mark it noinline"
            if not found
            else ""
        )
        raise ConfigError(
            f"{self.config.source}: {key}: {self.config.kernel.elf.name} has {what} "
            f"{call.function!r}, whose calls are to be watched{hint}"
        )

    def missing(self, table: str) -> ConfigError:
        name = table.rpartition(".")[2]
        return ConfigError(
            f"{self.config.source}: machine.watch: {name!r} needs [{table}], which says what the "
            "allocator's functions are called"
        )


def _argument(call: CallText, name: str) -> tuple[str, int]:
    """Return which argument of a call has a name; a constant where none has."""
    found = [number for number, each in enumerate(call.arguments, 1) if each == name]
    return ("argument", found[0]) if found else UNKNOWN


def _heap(search: _Search) -> Iterator[Function]:
    heap = search.config.contracts.heap
    if heap is None:
        raise search.missing("contracts.heap")
    for key, role in HEAP_ROLES.items():
        call = getattr(heap, key)
        if call is not None:
            yield Function(
                search.address(f"contracts.heap.{key}", call),
                Instrument.HEAP,
                role,
                (_argument(call, "size"), _argument(call, "block")),
                heap.none,
            )


def _frames(search: _Search, instrument: Instrument) -> Iterator[Function]:
    """Yield the frame allocator's functions; for the heap, those that hand frames out."""
    frames = search.config.contracts.frames
    if frames is None:
        if instrument is Instrument.FRAMES:
            raise search.missing("contracts.frames")
        return
    is_virtual = frames.address == "virtual"
    unit = 1 if frames.address == "number" else PAGE_SIZE | (VIRTUAL if is_virtual else 0)
    for key, role in FRAME_ROLES.items():
        call = getattr(frames, key)
        takes = key.startswith("alloc")
        if call is None or (instrument is Instrument.HEAP and (not takes or is_virtual)):
            continue
        by_bytes = "bytes" in call.names
        count = _argument(call, "bytes" if by_bytes else "count")
        yield Function(
            search.address(f"contracts.frames.{key}", call),
            instrument,
            (
                HEAP_FRAMES + by_bytes
                if instrument is Instrument.HEAP
                else role + OF_BYTES * by_bytes
            ),
            (
                ("constant", 1) if count == UNKNOWN else count,
                _argument(call, "frame"),
                ("constant", unit),
            ),
            frames.none,
        )


def _own(
    search: _Search, functions: list[Function], instrument: Instrument
) -> Iterator[tuple[Instrument, int, int]]:
    """Yield the code around these functions that is of the same source file."""
    starts = sorted({each for each in search.symbols.starts if search.names.is_code(each)})
    done = 0
    for address in sorted({each.address for each in functions}):
        file = search.names.place(address).file
        if not file or address < done:
            continue
        first = last = bisect_left(starts, address)
        while first > 0 and search.names.place(starts[first - 1]).file == file:
            first -= 1
        while last < len(starts) and search.names.place(starts[last]).file == file:
            last += 1
        done = starts[last] if last < len(starts) else starts[-1] + PAGE_SIZE
        yield instrument, starts[first], done
