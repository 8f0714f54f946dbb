"""What instruments are told of a kernel: its allocators' functions, its stacks, its code.

An allocator's own accesses are not judged: those made within a call of one of these functions, and
those of code beside them: of the functions whose first line is of the same source file, as DWARF
has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.config import Config
from ringbench.config.call_text import CallText
from ringbench.config.watch import RESULT, WatchedAllocator, WatchedCall, of_contracts
from ringbench.debuginfo.near import near
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ConfigError
from ringbench.explain.names import Names
from ringbench.microscope.layout import Function, Instrument
from ringbench.microscope.microscope import Microscope
from ringbench.microscope.stacks import stacks_of

UNKNOWN: Final = ("constant", 0)
VIRTUAL: Final = 1 << 32
"""Beside the unit of a frame's name: it is a virtual address."""

REFUSES, STATUS = 1, 2
"""plugin/shared.h: flags of a function."""

HEAP_ROLES: Final = {"alloc": 1, "zalloc": 2, "realloc": 3, "free": 4, "usable": 5}
"""plugin/heap.h: heap_role."""

HEAP_FRAMES: Final = 6
FRAME_ROLES: Final = {"alloc": 1, "zalloc": 1, "free": 2}
"""plugin/frames.h: frames_role; of one that takes `{bytes}`, the next but one."""

OF_BYTES: Final = 2


COPIES: Final = 1 << 32
"""plugin/shared.h: what code is that only copies and fills memory, in place of an instrument."""

COPYING: Final = ("memset", "memcpy", "memmove", "bzero", "memzero")


def aim(microscope: Microscope, config: Config) -> None:
    """Tell the instruments that are on which functions are the kernel's allocators, and its stacks.

    Raises:
        ConfigError: the configuration does not say, or what it names is not there.
        ImageError: the kernel's symbols cannot be read.
    """
    on = microscope.instruments
    if on & Instrument.UNWRITTEN and not on & Instrument.HEAP:
        raise ConfigError(f'{config.source}: machine.watch: "unwritten" is of the heap: add "heap"')
    if not on & (Instrument.HEAP | Instrument.FRAMES | Instrument.STACKS):
        return
    search = _Search(config)
    functions: list[Function] = []
    own: list[tuple[int, int, int]] = []
    frames = search.allocator("frames", needed=bool(on & Instrument.FRAMES))
    if on & Instrument.HEAP:
        heap = search.allocator("heap", needed=True)
        assert heap is not None
        functions += _heap(search, heap)
        own += _own(search, functions, heap, Instrument.HEAP)
        own += _copying(search)
        if frames is not None:
            functions += _frames(search, frames, Instrument.HEAP)
    if on & Instrument.FRAMES and frames is not None:
        found = _frames(search, frames, Instrument.FRAMES)
        functions += found
        own += _own(search, found, frames, Instrument.FRAMES)
    if on & Instrument.STACKS:
        stacks = stacks_of(search.symbols, search.names)
        microscope.watch_stacks([(each.begin, each.end) for each in stacks])
        own += [(Instrument.STACKS, *each) for each in search.names.code()]
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
        slide = kernel.slide
        self.config = config
        self.symbols = Symbols.load(kernel.elf, slide, kernel.more)
        self.names = Names(kernel.elf, lambda: slide, kernel.more)

    def allocator(self, name: str, *, needed: bool) -> WatchedAllocator | None:
        told: WatchedAllocator | None = getattr(self.config.watch, name)
        if told is None:
            told = getattr(of_contracts(self.config.contracts), name)
        if told is None and needed:
            raise ConfigError(
                f"{self.config.source}: machine.watch: {name!r} needs [contracts.{name}] or "
                f"[watch.{name}], which says what the allocator's functions are called"
            )
        return told

    def address(self, name: str) -> int:
        found = self.symbols.addresses(name)
        if len(found) == 1:
            return found[0]
        hint = near(name, self.symbols.names) if not found else ""
        if not found and not hint:
            hint = ": the compiler may have put it into its callers; mark it noinline"
        raise ConfigError(
            f"{self.config.source}: machine.watch: {self.config.kernel.elf.name} has "
            f"{'several symbols' if found else 'no symbol'} {name!r}, whose calls are to be watched"
            f"{hint}"
        )


def _argument(call: CallText, name: str) -> tuple[str, int]:
    """Return which argument of a call has a name; a constant where none has."""
    found = [number for number, each in enumerate(call.arguments, 1) if each == name]
    return ("argument", found[0]) if found else UNKNOWN


def _function(
    search: _Search,
    told: WatchedAllocator,
    call: CallText,
    instrument: Instrument,
    role: int,
    arguments: tuple[tuple[str, int], ...],
) -> Function:
    result = _argument(call, RESULT)
    is_heaps = instrument is Instrument.HEAP
    frees = role == HEAP_ROLES["free"] if is_heaps else role % OF_BYTES == 0
    says = told.ok is not None and (result != UNKNOWN or frees)
    return Function(
        search.address(call.function),
        instrument,
        role,
        arguments,
        none=(told.ok or 0) if says else told.none,
        result=result[1] if result != UNKNOWN else 0,
        flags=REFUSES * told.refuses | STATUS * says,
    )


def _heap(search: _Search, told: WatchedAllocator) -> Iterator[Function]:
    for key, role in HEAP_ROLES.items():
        for each in getattr(told, key):
            count = _argument(each.call, "count")
            arguments = (
                _argument(each.call, "size"),
                _argument(each.call, "block"),
                ("constant", 1) if count == UNKNOWN else count,
            )
            yield _function(search, told, each.call, Instrument.HEAP, role, arguments)


def _frames(search: _Search, told: WatchedAllocator, instrument: Instrument) -> list[Function]:
    """Return the frame allocator's functions; for the heap, those that hand frames out."""
    is_heaps = instrument is Instrument.HEAP
    is_virtual = told.address == "virtual"
    unit = 1 if told.address == "number" else PAGE_SIZE | (VIRTUAL if is_virtual else 0)
    found: dict[int, Function] = {}
    for key, role in FRAME_ROLES.items():
        if is_heaps and (key == "free" or is_virtual):
            continue
        each: WatchedCall
        for each in getattr(told, key):
            by_bytes = "bytes" in each.call.names
            count = _argument(each.call, "bytes" if by_bytes else "count")
            wanted = HEAP_FRAMES + by_bytes if is_heaps else role + OF_BYTES * by_bytes
            arguments = (
                ("constant", each.count) if count == UNKNOWN else count,
                _argument(each.call, "frame"),
                ("constant", unit),
            )
            function = _function(search, told, each.call, instrument, wanted, arguments)
            # One function may free one frame or a run: what says how many is the better one.
            if function.address not in found or count != UNKNOWN:
                found[function.address] = function
    return list(found.values())


def _copying(search: _Search) -> Iterator[tuple[int, int, int]]:
    """Yield the functions that copy and fill memory for whoever calls them."""
    starts = sorted(set(search.symbols.starts))
    for name in COPYING:
        for address in search.symbols.addresses(name):
            after = bisect_right(starts, address)
            yield COPIES, address, starts[after] if after < len(starts) else address + PAGE_SIZE


def _own(
    search: _Search, functions: list[Function], told: WatchedAllocator, instrument: Instrument
) -> Iterator[tuple[int, int, int]]:
    """Yield the code that is of these functions' source files, and what is named beside them."""
    names = search.names
    starts = sorted({each for each in search.symbols.starts if names.is_code(each)})
    files = {names.place(each.address).file for each in functions} - {""}
    named = {search.address(each) for each in told.own if "." not in each}
    suffixes = tuple(each for each in told.own if "." in each)
    begin = None
    for start in starts:
        file = names.place(start).file
        is_own = start in named or file in files or (file and file.endswith(suffixes))
        if is_own and begin is None:
            begin = start
        elif not is_own and begin is not None:
            yield instrument, begin, start
            begin = None
    if begin is not None:
        yield instrument, begin, starts[-1] + PAGE_SIZE
