"""The memory that the bench and the plugin share, laid out as plugin/shared.h has it."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

Memory = bytes | bytearray | mmap.mmap

LAYOUT: Final = 3
RAM_RANGES: Final = 8
PAGES: Final = 32
CALLERS: Final = 24
FUNCTIONS: Final = 64
ARGUMENTS: Final = 3
OWN_CODE: Final = 64
DETAILS: Final = 6
RELATED: Final = 2
FINDINGS: Final = 64
CPUS: Final = 64
ROOTS: Final = 16
RECORDS: Final = 100_000
STACKS: Final = 32
NOWHERE: Final = (1 << 64) - 1
"""The physical address of an access to a device."""


class Instrument(IntFlag):
    """What can be turned on; the value is the plugin's bit."""

    WRITES = 1
    HEAP = 2
    FRAMES = 4
    TRANSLATIONS = 8
    STACKS = 16
    COVERAGE = 32
    UNWRITTEN = 64


class Lacking(IntFlag):
    """What an instrument could not have, so that it may have missed something."""

    REGISTERS = 1
    ROOM = 2
    CONTROL = 4


WORD: Final = 8
_RANGE_WORDS: Final = 3
_FUNCTION_WORDS: Final = 6 + 2 * ARGUMENTS
_OWN_WORDS: Final = 3
_EVENT: Final = struct.Struct(f"<{4 + CALLERS}Q")
_PLACE: Final = struct.Struct("<4Q")
_STACK_SIZE: Final = 3 * WORD + _EVENT.size
_RECORD_SIZE: Final = _EVENT.size + _PLACE.size + 2 * WORD
_FINDING_SIZE: Final = 3 * WORD + _EVENT.size + _PLACE.size + DETAILS * WORD + RELATED * _EVENT.size

INSTRUMENTS_AT: Final = 0
ARENA_SIZE_AT: Final = INSTRUMENTS_AT + WORD
WATCHED_AT: Final = ARENA_SIZE_AT + WORD  # begin, end, capacity
RAM_COUNT_AT: Final = WATCHED_AT + 3 * WORD
RAM_AT: Final = RAM_COUNT_AT + WORD
FUNCTION_COUNT_AT: Final = RAM_AT + RAM_RANGES * _RANGE_WORDS * WORD
FUNCTIONS_AT: Final = FUNCTION_COUNT_AT + WORD
OWN_COUNT_AT: Final = FUNCTIONS_AT + FUNCTIONS * _FUNCTION_WORDS * WORD
OWN_AT: Final = OWN_COUNT_AT + WORD
STACK_COUNT_AT: Final = OWN_AT + OWN_CODE * _OWN_WORDS * WORD
STACKS_AT: Final = STACK_COUNT_AT + WORD
PAGE_COUNT_AT: Final = STACKS_AT + STACKS * _STACK_SIZE
PAGES_AT: Final = PAGE_COUNT_AT + WORD
LAYOUT_AT: Final = PAGES_AT + PAGES * _RANGE_WORDS * WORD
INSTRUCTIONS_AT: Final = LAYOUT_AT + WORD
LACKING_AT: Final = INSTRUCTIONS_AT + WORD
WRITTEN_AT: Final = LACKING_AT + WORD
FOUND_AT: Final = WRITTEN_AT + WORD
FURTHER_AT: Final = FOUND_AT + WORD
ARENA_USED_AT: Final = FURTHER_AT + WORD
FINDINGS_AT: Final = ARENA_USED_AT + (2 + ROOTS + CPUS) * WORD
RECORDS_AT: Final = FINDINGS_AT + FINDINGS * _FINDING_SIZE
SIZE: Final = RECORDS_AT + RECORDS * _RECORD_SIZE
"""Bytes before the arena."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function whose calls an instrument wants to see.

    Attributes:
        address: where it begins.
        instrument: whose it is.
        role: what it does, as the instrument has it.
        arguments: what the instrument wants to know of a call: ("argument", 1) is the first that
            the function gets, ("constant", 16) a number that every call has.
        none: the result that means that there was nothing; with the flag 2, the one that means that
            it was done.
        result: which argument points to where the result is put; 0: it is returned.
        flags: 1: what is wrongly given back is refused. 2: it returns whether it was done.
    """

    address: int
    instrument: Instrument
    role: int
    arguments: tuple[tuple[str, int], ...]
    none: int = 0
    result: int = 0
    flags: int = 0

    def words(self) -> tuple[int, ...]:
        """Return it as the plugin has it."""
        given = (*self.arguments, *((("constant", 0),) * (ARGUMENTS - len(self.arguments))))
        which = (number if kind == "argument" else 0 for kind, number in given)
        constants = (number % (1 << 64) if kind == "constant" else 0 for kind, number in given)
        none = self.none % (1 << 64)
        head = (self.address, int(self.instrument), self.role)
        return (*head, *which, *constants, none, self.result, self.flags)


@dataclass(frozen=True, slots=True)
class Event:
    """Where a processor was when something happened.

    `instruction` is how many the guest had executed, this one included. `callers` are the addresses
    of CALL instructions, the innermost first.
    """

    instruction: int
    cpu: int
    pc: int
    callers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """An access to memory: `physical` is None for a device's, `size` 0 where there was none."""

    address: int
    physical: int | None
    size: int
    is_store: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One write, as the plugin saw it: `value` is what is at the address after it."""

    event: Event
    access: Access
    value: int


@dataclass(frozen=True, slots=True)
class RawFinding:
    """What an instrument objects to, as the plugin noted it; `related` are events of before."""

    instrument: Instrument
    kind: int
    times: int
    event: Event
    access: Access
    details: tuple[int, ...]
    related: tuple[Event | None, ...]


def stack_words(begin: int, end: int) -> tuple[int, ...]:
    """Return a stack as the plugin has it before it was used."""
    return (begin, end, end, *([0] * (_EVENT.size // WORD)))


def stack_use_at(memory: Memory, number: int) -> tuple[int, Event | None]:
    """Return the lowest address of a stack that was used, and where; None: it was not."""
    at = STACKS_AT + number * _STACK_SIZE + 2 * WORD
    event = _event(memory, at + WORD)
    return int.from_bytes(memory[at : at + WORD], "little"), event if event.pc else None


def record_at(memory: Memory, number: int) -> Record:
    """Return the record in a place of the ring."""
    at = RECORDS_AT + number * _RECORD_SIZE
    event, access = _event(memory, at), _access(memory, at + _EVENT.size)
    low, high = struct.unpack_from("<2Q", memory, at + _EVENT.size + _PLACE.size)
    return Record(event, access, (low | high << 64) & ((1 << 8 * min(access.size, 16)) - 1))


def finding_at(memory: Memory, number: int) -> RawFinding:
    """Return one of the findings."""
    at = FINDINGS_AT + number * _FINDING_SIZE
    instrument, kind, times = struct.unpack_from("<3Q", memory, at)
    event_at = at + 3 * WORD
    access_at = event_at + _EVENT.size
    details_at = access_at + _PLACE.size
    related_at = details_at + DETAILS * WORD
    events = (_event(memory, related_at + each * _EVENT.size) for each in range(RELATED))
    return RawFinding(
        Instrument(instrument),
        kind,
        times,
        _event(memory, event_at),
        _access(memory, access_at),
        struct.unpack_from(f"<{DETAILS}Q", memory, details_at),
        tuple(each if each.pc else None for each in events),
    )


def _event(memory: Memory, at: int) -> Event:
    instruction, cpu, pc, depth, *callers = _EVENT.unpack_from(memory, at)
    return Event(instruction, cpu, pc, tuple(callers[:depth]))


def _access(memory: Memory, at: int) -> Access:
    address, physical, size, is_store = _PLACE.unpack_from(memory, at)
    return Access(address, None if physical == NOWHERE else physical, size, bool(is_store))
