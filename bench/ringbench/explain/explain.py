"""From what is known of a guest that came to its end to why it did."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.vectors import EXCEPTIONS, vector_name
from ringbench.debuginfo.frames import Frame
from ringbench.ending import EndKind
from ringbench.explain.backtrace import frames
from ringbench.explain.chains import Chain, chains
from ringbench.explain.delivery import read_gate, why_undelivered
from ringbench.explain.log import Logged, parse_log
from ringbench.explain.names import Names
from ringbench.explain.registers import Cpu
from ringbench.explain.space import WORD, Space
from ringbench.explain.stack import overran, ran_out
from ringbench.explain.words import fault_of, name_of
from ringbench.explanation import Explanation, Place, Processor

UNEXPLAINED: Final = frozenset(
    {EndKind.FINISHED, EndKind.QEMU_DIED, EndKind.QEMU_STOPPED, EndKind.GDB_DIED}
)
"""Endings that are none of a guest that went wrong."""

RECENT: Final = 64
"""Exceptions, counted from the last, among which the cause of an end is looked for."""

USER: Final = 3
LOW: Final = 1 << 20
"""Where nothing of a kernel is, as a rule, and what is there runs on as instructions."""

LOOPS: Final = 20
"""How often an exception must have come of late, one and the same, to be called endless."""

NESTED_WITHIN: Final = PAGE_SIZE
"""Bytes that a handler uses at most, of which many in a row were interrupted by an exception."""

SEARCHED: Final = 64 << 10
"""Bytes of stack, above the stack pointer, in which an exception's frame is looked for."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a guest that stands still.

    Attributes:
        kind: how it ended.
        cpus: its processors' registers, none if they cannot be had.
        log: the end of what QEMU logged.
        memory: its physical memory.
        names: those of its kernel.
        is_logged: whether QEMU logged exceptions, which it does under its software emulation only.
    """

    kind: EndKind
    cpus: tuple[Cpu, ...]
    log: str
    memory: PhysicalMemory
    names: Names
    is_logged: bool = True


def explain(evidence: Evidence) -> Explanation | None:
    """Return why the guest ended; None if that needs no explaining, or nothing is known."""
    if evidence.kind in UNEXPLAINED or not evidence.cpus:
        return None
    return _Explainer(evidence).explanation()


class _Explainer:
    """The parts of one explanation."""

    def __init__(self, evidence: Evidence) -> None:
        self._kind = evidence.kind
        self._is_logged = evidence.is_logged
        self._memory = evidence.memory
        self._names = evidence.names
        self._cpus = evidence.cpus
        self._stacks = {
            cpu.number: frames(self._space(cpu), cpu, self._names) for cpu in evidence.cpus
        }
        self._chains = chains(parse_log(evidence.log))
        self._stack_words: dict[tuple[int, int], list[int]] = {}

    def explanation(self) -> Explanation:
        chain, kind = self._cause(), self._kind.value
        processors = tuple(self._processors())
        if chain is None:
            at = self._names.place(self._cpus[0].pc)
            return Explanation(
                summary=f"{kind}: at {at}, and {self._no_exception()}",
                notes=tuple(self._notes_of_processors()),
                processors=processors,
                lost=next(self._impossible(), ""),
            )
        series = self._series(chain)
        first = series[0].first
        space = self._space(first.cpu)
        stack = frames(space, first.cpu, self._names)
        fault = fault_of(first, space, self._names)
        return Explanation(
            summary=f"{kind}: {fault}",
            fault=fault,
            undelivered=tuple(self._undelivered(chain)),
            callers=self._callers(stack),
            notes=(*self._notes(series[0], space, stack), *self._notes_of_series(series)),
            processors=() if chain.triple and len(processors) == 1 else processors,
        )

    def _no_exception(self) -> str:
        """Say that the log names no exception that led here, or that there is no log."""
        if not self._is_logged:
            return (
                "which exception led to it, if any, is not known: QEMU logs them under tcg alone, "
                "with machine.log_exceptions"
            )
        if self._kind is EndKind.TRIPLE_FAULT:
            return "which exception led to it is not known: it is not in QEMU's log"
        return "no exception led to it"

    # -- the cause -----------------------------------------------------------------------------

    def _cause(self) -> Chain | None:
        """Return the exceptions that the end came from."""
        if self._kind is EndKind.TRIPLE_FAULT:
            return next((each for each in reversed(self._chains) if each.triple), None)
        exceptions = [each for each in self._chains if each.first.is_exception][-RECENT:]
        handled = (each for each in exceptions if self._is_being_handled(each.events[-1]))
        return next(handled, None) or (self._loop(exceptions) if exceptions else None)

    def _series(self, last: Chain) -> tuple[Chain, ...]:
        """Return exceptions each raised in the handler of the one before, up to a triple fault.

        Each has its frame below that of the one before, not far from it, and so many have by no
        chance. With fewer, it is the last alone.
        """
        place = next((n for n, each in enumerate(self._chains) if each is last), 0)
        begin = place
        while last.triple and begin:
            above = self._chains[begin - 1]
            distance = above.first.sp - self._chains[begin].first.sp
            if not (above.first.is_exception and 0 < distance <= NESTED_WITHIN):
                break
            begin -= 1
        return self._chains[begin : place + 1] if place - begin >= LOOPS else (last,)

    def _notes_of_series(self, series: Sequence[Chain]) -> Iterator[str]:
        """Say what a handler did that raised the next exception, until the stack had no room."""
        if len(series) == 1:
            return
        if series[0] is self._chains[0] and series[0].first.number:
            yield "what came before this is not in the log any more"
        (_, count), again = _most_common(series[1:])
        fault = fault_of(again.first, self._space(again.first.cpu), self._names)
        yield (
            f"in its handler came {fault}, and in the handler of that the same again, {count} times"
        )
        used = series[0].first.sp - series[-1].first.sp
        yield f"each took room on the stack, {used} bytes in all, until nothing could be delivered"
        last = series[-1].first
        yield f"the last was {fault_of(last, self._space(last.cpu), self._names)}"

    def _loop(self, exceptions: Sequence[Chain]) -> Chain | None:
        """Return the exception that came again and again, if one did."""
        if self._kind is not EndKind.HANG:
            return None
        (_, count), found = _most_common(exceptions)
        return found if count >= LOOPS else None

    def _is_being_handled(self, event: Logged) -> bool:
        """Whether a handler of `event` has not returned: its frame is on a processor's stack."""
        if event.software or not event.cpu.is_protected:
            return False
        size, sp = (WORD if event.cpu.long_mode else WORD // 2), event.sp
        code = event.cpu.segment("CS").selector
        # In 32-bit mode the stack pointer is saved if the privilege level changes, in long mode
        # always (Intel SDM 3A 6.12.1, 6.14.2). Between it and the rest there are the flags.
        has_stack = event.cpu.long_mode or event.cpl > 0
        saved = [sp, event.cpu.segment("SS").selector] if has_stack else []
        for cpu in self._cpus:
            words, at = self._stack_of(cpu, size), -1
            for _ in range(words.count(event.ip)):
                at = words.index(event.ip, at + 1)
                _, selector, _, *above = [*words[at : at + 3 + len(saved)], 0, 0][: 3 + len(saved)]
                is_there = bool(saved) or cpu["rsp"] + at * size == sp - 3 * size
                if is_there and selector & 0xFFFF == code and above == saved:
                    return True
        return False

    def _stack_of(self, cpu: Cpu, size: int) -> list[int]:
        """Return the words on a processor's stack, from the last that was pushed."""
        if (cpu.number, size) not in self._stack_words:
            data = _words(self._space(cpu), cpu["rsp"], SEARCHED)
            count = len(data) // size
            form = f"<{count}{'Q' if size == WORD else 'I'}"
            self._stack_words[cpu.number, size] = list(struct.unpack_from(form, data))
        return self._stack_words[cpu.number, size]

    def _undelivered(self, chain: Chain) -> Iterator[str]:
        told = ""
        for event in chain.undelivered:
            why = why_undelivered(self._space(event.cpu), event) or "why is not known"
            same = "for the same reason" if why == told else why
            yield f"{name_of(event)} could not be delivered: {same}"
            told = why
        if not chain.triple and len(chain.events) > 1:
            yield f"the kernel got {name_of(chain.events[-1])} instead"

    # -- what else is known --------------------------------------------------------------------

    def _notes(self, chain: Chain, space: Space, stack: Sequence[Frame]) -> Iterator[str]:
        first = chain.first
        if first.hardware and first.vector < EXCEPTIONS:
            yield (
                f"vector {first.vector} is the processor's own {vector_name(first.vector)}: the "
                "interrupt controller has not been told to begin at vector 32"
            )
        note = ran_out(space, first, stack, self._names) or overran(stack, self._names)
        if note:
            yield note
        yield from self._lost(space, stack)
        for other in self._chains:
            gate = read_gate(space, other.first.vector) if other is not chain else ""
            if not isinstance(gate, str) and first.ip == gate.target == first.cr2:
                yield f"that is the handler of {name_of(other.first)}"
                break
        if self._kind is EndKind.HANG:
            count = sum(_key(each) == _key(chain) for each in self._chains)
            if count >= LOOPS:
                yield f"the same exception came again and again, {count} times of late"

    def _notes_of_processors(self) -> Iterator[str]:
        for cpu in self._cpus:
            stack = self._stacks[cpu.number]
            if self._runs_kernel(cpu):
                note = overran(stack, self._names)
                if note:
                    yield note
                yield from self._lost(self._space(cpu), stack)

    def _impossible(self) -> Iterator[str]:
        """Say which processors run the null page, or where there is no RAM."""
        for cpu in self._cpus:
            stack, space = self._stacks[cpu.number], self._space(cpu)
            if cpu.is_protected and (stack[0].pc < PAGE_SIZE or not space.has_ram(stack[0].pc)):
                yield from self._lost(space, stack)

    def _lost(self, space: Space, stack: Sequence[Frame]) -> Iterator[str]:
        """Say that a processor runs what is no code of the kernel, and who sent it there."""
        pc = stack[0].pc
        # Where there is no RAM are zeros: instructions, which may have run on to the page's end.
        no_ram = next((each for each in (pc, pc - 1) if not space.has_ram(each)), None)
        if no_ram is None and (
            self._names.is_code(pc) or not self._names.has_code or space.cpu["cpl"] == USER
        ):
            return
        sender = ""
        if len(stack) > 1:
            sender = f", called by {self._names.place(stack[1].pc, returns=True)}"
        if pc < PAGE_SIZE:
            yield f"a null function pointer was followed{sender}: {pc:#x} is no code of the kernel"
        elif no_ram is not None:
            yield f"the processor was sent to where there is no RAM{sender}: {space.where(no_ram)}"
        else:
            low = "; so low, it may have begun at a null function pointer" if pc < LOW else ""
            yield f"the processor was sent to what is no code of the kernel{sender}: {pc:#x}{low}"

    # -- in words ------------------------------------------------------------------------------

    def _processors(self) -> Iterator[Processor]:
        for cpu in self._cpus:
            stack = self._stacks[cpu.number]
            if cpu.number == self._cpus[0].number or self._runs_kernel(cpu):
                place = self._names.place(cpu.pc)
                yield Processor(cpu.number, _state(cpu), place, self._callers(stack))

    def _runs_kernel(self, cpu: Cpu) -> bool:
        """Whether a processor has begun to run the kernel: not one that waits to be started."""
        return not cpu.asleep_for_good or self._names.is_code(cpu.pc) or cpu.long_mode

    def _callers(self, stack: Sequence[Frame]) -> tuple[Place, ...]:
        return tuple(
            replace(self._names.place(frame.pc, returns=True), guessed=frame.guessed)
            for frame in stack[1:]
        )

    def _space(self, cpu: Cpu) -> Space:
        return Space(self._memory, cpu)


def _state(cpu: Cpu) -> str:
    doing = "halted" if cpu.halted else "running"
    user = ", in user mode" if cpu["cpl"] == USER else ""
    return f"{doing}, interrupts {'on' if cpu.interrupts else 'off'}{user}"


def _most_common(exceptions: Sequence[Chain]) -> tuple[tuple[object, int], Chain]:
    """Return what came most often, how often, and the first of those."""
    [(key, count)] = Counter(map(_key, exceptions)).most_common(1)
    return (key, count), next(each for each in exceptions if _key(each) == key)


def _key(chain: Chain) -> tuple[int, int, int | None]:
    return chain.first.vector, chain.first.ip, chain.first.cr2


def _words(space: Space, address: int, length: int) -> bytes:
    """Return memory from an address on, as far as it is there."""
    found = b""
    while len(found) < length:
        at = (address + len(found)) % (1 << 64)
        part = space.read(at, PAGE_SIZE - at % PAGE_SIZE)
        if part is None:
            break
        found += part
    return found
