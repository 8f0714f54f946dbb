"""A console command, followed: which functions of the layers it calls, by gdb's breakpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from ringbench.errors import RingbenchError
from ringbench.machine import Machine
from ringbench.machine.gdb import Gdb
from ringbench.subjects.reference.explain.asked import ASKED

PERFORM: Final = "command_perform"
"""The kernel's function that performs a line, from its first word to the reply."""

MOST: Final = 2000
"""Calls after which an operation is too long to be told."""

_ARGUMENTS: Final = ("rdi", "rsi", "rdx", "rcx")


@dataclass(frozen=True, slots=True)
class Call:
    """A call: how deep below the command, its layer and function, what it was asked for, how often.

    Calls of one function with the same words, one after the other, are one; `times` counts them.
    """

    depth: int
    layer: str
    function: str
    asked: str
    times: int = 1


def follow(machine: Machine, line: str, known: Mapping[int, str]) -> tuple[list[Call], str]:
    """Have the console perform a line; the calls in order, and the reply.

    `known` says what is at some of the kernel's addresses, to be named in words.

    Raises:
        RingbenchError: it calls more than `MOST` functions.
        MachineError: the machine ended on the way, or hangs.
    """
    gdb = machine.gdb
    gdb.interrupt()
    places = {gdb.symbol(name): name for name in (PERFORM, *ASKED)}
    breakpoints = [gdb.break_(f"*{address:#x}") for address in places]
    gdb.continue_()
    machine.begin(line)
    calls, last, end = list[Call](), _Entry("", 0, 0, 0), -1
    while True:
        stop = gdb.wait_stop(machine.config.deadlines.reply)
        registers = gdb.registers()
        if registers["rip"] == end:
            break
        if registers["rip"] not in places:
            raise RingbenchError(f"{line!r}: the kernel stopped elsewhere: {stop.reason}")
        name, rsp = places[registers["rip"]], registers["rsp"]
        back = int.from_bytes(gdb.read_memory(rsp, 8), "little")
        if name == PERFORM:
            end = back
            breakpoints.append(gdb.break_(f"*{end:#x}"))
        else:
            last = _Entry(name, rsp, back, _depth(gdb, name, rsp, back, last))
            arguments = tuple(registers[each] for each in _ARGUMENTS)
            _add(calls, last, ASKED[name].say(arguments, known))
        if sum(call.times for call in calls) > MOST:
            raise RingbenchError(f"{line!r} calls more than {MOST:,} functions: too many to tell")
        gdb.continue_()
    for breakpoint in breakpoints:
        gdb.delete(breakpoint)
    gdb.continue_()
    reply = machine.finish()
    machine.detach_gdb()
    return calls, reply


class _Entry(NamedTuple):
    """A function at its first instruction: stack pointer, where it returns to, how deep it is."""

    function: str
    rsp: int
    back: int
    depth: int


def _depth(gdb: Gdb, name: str, rsp: int, back: int, last: _Entry) -> int:
    """How many of the followed functions a call is below.

    A function that another one jumps to, in place of a call, takes over its return address: it is
    below that one, though the stack knows nothing of it any more.
    """
    functions = [frame.function for frame in gdb.backtrace()]
    own = functions.index(name) if name in functions else 0  # inside of what is inlined there
    above = sum(1 for each in functions[own + 1 :] if each in ASKED)
    jumped = (rsp, back) == (last.rsp, last.back) and name != last.function
    return last.depth + 1 if jumped else above


def _add(calls: list[Call], entry: _Entry, asked: str) -> None:
    """Add a call, or count it with the one before, if that is the same."""
    call = Call(entry.depth, ASKED[entry.function].layer, entry.function, asked)
    if calls and replace(calls[-1], times=1) == call:
        calls[-1] = replace(call, times=calls[-1].times + 1)
    else:
        calls.append(call)
