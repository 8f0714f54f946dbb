"""Who called whom, read from a still guest's stack.

By call frame information where the ELF file has it for a function; else by frame pointers: a
function that begins with ``push %rbp; mov %rsp,%rbp`` has its caller's address above what it
pushed. At the instructions before that, in a function without a frame, and where the processor was
sent to what is no code, the return address is still on top of the stack. No more than that is
guessed: a backtrace may end early, but what it has was there.
"""

from __future__ import annotations

from typing import Final

from ringbench.debuginfo.frames import Frame
from ringbench.explain.names import Names
from ringbench.explain.registers import Cpu
from ringbench.explain.space import WORD, Space

DEEPEST: Final = 20_000
"""Frames after which a stack counts as endless."""

ENDBR64: Final = bytes.fromhex("f30f1efa")
PUSH_RBP: Final = b"\x55"
RET: Final = b"\xc3"
LONGEST_CALL: Final = 7


def frames(space: Space, cpu: Cpu, names: Names) -> tuple[Frame, ...]:
    """Return the frames of a processor, innermost first; the first is where it is itself."""
    found = [Frame(cpu.pc, cpu["rsp"], cpu["rbp"])]
    if not cpu.runs_64_bit:
        return tuple(found)
    while len(found) < DEEPEST:
        caller = _caller(space, found[-1], names, innermost=len(found) == 1)
        if caller is None or caller.sp <= found[-1].sp or not names.is_code(caller.pc):
            break
        found.append(caller)
    return tuple(found)


def _caller(space: Space, frame: Frame, names: Names, *, innermost: bool) -> Frame | None:
    if names.frames is not None:
        described = names.frames.caller(frame, frame.pc - (not innermost), space.word)
        if described is not None:
            return described
    if innermost:
        above = _without_frame(space, frame, names)
        if above is not None:
            return _returned(space, frame, frame.sp + above)
    return_address, bp = space.word(frame.bp + WORD), space.word(frame.bp)
    if return_address is None or bp is None or frame.bp < frame.sp:
        return None
    return Frame(return_address, frame.bp + 2 * WORD, bp)


def _returned(space: Space, frame: Frame, slot: int) -> Frame | None:
    """Return the caller whose address is in the stack at `slot`, its frame pointer still there."""
    address = space.word(slot)
    return None if address is None else Frame(address, slot + WORD, frame.bp)


def _without_frame(space: Space, frame: Frame, names: Names) -> int | None:
    """Return how far above the stack pointer the return address is, if there is no frame yet."""
    start = names.begins(frame.pc)
    if start is None or not names.is_code(frame.pc):
        return 0 if _follows_call(space, frame.sp, names) else None
    code = space.read(start, 16) or b""
    begin = len(ENDBR64) if code.startswith(ENDBR64) else 0
    if frame.pc <= start + begin or space.read(frame.pc, 1) == RET:
        return 0
    if code[begin : begin + 1] != PUSH_RBP:
        return 0 if _follows_call(space, frame.sp, names) else None
    return WORD if frame.pc == start + begin + 1 else None


def _follows_call(space: Space, slot: int, names: Names) -> bool:
    """Whether the word in the stack is the address behind a CALL instruction of the kernel."""
    address = space.word(slot)
    if address is None or not names.is_code(address):
        return False
    code = space.read(address - LONGEST_CALL, LONGEST_CALL)
    if code is None:
        return False
    if code[-5] == 0xE8:
        return True
    # FF /2: the ModRM byte has 2 in its middle (Intel SDM 2A, CALL).
    return any(code[-n] == 0xFF and code[1 - n] >> 3 & 7 == 2 for n in (2, 3, 4, 6, 7))
