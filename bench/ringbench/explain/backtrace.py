"""Who called whom, read from a still guest's stack.

By call frame information where the ELF file has it for a function; else by frame pointers: a
function that begins with ``push %rbp; mov %rsp,%rbp`` has its caller's address above what it
pushed. At the instructions before that, in a function without a frame, and where the processor was
sent to what is no code, the return address is still on top of the stack. Where there is none of all
this (code without frame pointers and without call frame information), what looks like a return
address further up is taken, and marked as a guess.
"""

from __future__ import annotations

from typing import Final

from ringbench.debuginfo.frames import Frame
from ringbench.explain.names import Names
from ringbench.explain.registers import Cpu
from ringbench.explain.space import Space

DEEPEST: Final = 20_000
"""Frames after which a stack counts as endless."""

ENDBR64: Final = bytes.fromhex("f30f1efa")
PUSH_RBP: Final = b"\x55"
RET: Final = b"\xc3"
LONGEST_CALL: Final = 7
LARGEST_FRAME: Final = 4096
"""Bytes of a function's frame within which the return address of its call is looked for."""

GUESSES: Final = 16
GUESSED_WITHIN: Final = 1024
"""How many callers are guessed at most, and how many bytes above the last the next must be."""


def frames(space: Space, cpu: Cpu, names: Names) -> tuple[Frame, ...]:
    """Return the frames of a processor, innermost first; the first is where it is itself."""
    found = [Frame(cpu.pc, cpu["rsp"], cpu["rbp"])]
    while len(found) < DEEPEST:
        last = found[-1]
        caller = None if last.guessed else _caller(space, last, names, innermost=len(found) == 1)
        # A call that does not return may be the last instruction of all code.
        if caller is None or caller.sp <= last.sp or not names.is_code(caller.pc - 1):
            caller = _guess(space, last, names)
        if caller is None or (caller.guessed and len(found) > GUESSES):
            break
        found.append(caller)
    return tuple(found)


def _guess(space: Space, frame: Frame, names: Names) -> Frame | None:
    """Return what may be the caller, of a function that has no frame pointer."""
    if frame.bp == 0 or _has_frame_pointer(space, frame, names):
        return None
    size = space.word_size
    for slot in range(frame.sp, frame.sp + GUESSED_WITHIN, size):
        if _follows_call(space, slot, names):
            return Frame(space.word(slot) or 0, slot + size, frame.bp, guessed=True)
    return None


def _has_frame_pointer(space: Space, frame: Frame, names: Names) -> bool:
    start = names.begins(frame.pc)
    code = (space.read(start, 8) if start is not None else None) or b""
    return code.removeprefix(ENDBR64).startswith(PUSH_RBP)


def _caller(space: Space, frame: Frame, names: Names, *, innermost: bool) -> Frame | None:
    at = names.linked(frame.pc - (not innermost))
    for table in names.frames if space.cpu.runs_64_bit else ():
        described = table.caller(frame, at, space.word)
        if described is not None:
            return described
    if innermost:
        above = _without_frame(space, frame, names)
        if above is not None:
            return _returned(space, frame, frame.sp + above)
    size = space.word_size
    return_address, bp = space.word(frame.bp + size), space.word(frame.bp)
    if return_address is None or bp is None or frame.bp < frame.sp:
        return None
    return Frame(return_address, frame.bp + 2 * size, bp)


def _returned(space: Space, frame: Frame, slot: int) -> Frame | None:
    """Return the caller whose address is in the stack at `slot`, its frame pointer still there."""
    address = space.word(slot)
    return None if address is None else Frame(address, slot + space.word_size, frame.bp)


def _without_frame(space: Space, frame: Frame, names: Names) -> int | None:
    """Return how far above the stack pointer the return address is, if there is no frame yet."""
    start = names.begins(frame.pc)
    if start is None or not names.is_code(frame.pc):
        return _pushed_over(space, frame, names)
    code = space.read(start, 16) or b""
    begin = len(ENDBR64) if code.startswith(ENDBR64) else 0
    if frame.pc <= start + begin or space.read(frame.pc, 1) == RET:
        return 0
    if code[begin : begin + 1] != PUSH_RBP:
        return 0 if _follows_call(space, frame.sp, names) else None
    return space.word_size if frame.pc == start + begin + 1 else None


def _pushed_over(space: Space, frame: Frame, names: Names) -> int | None:
    """Return how far above the stack pointer the return address is of a call to what is no code.

    What was there may have run as instructions and pushed more, but has its caller's frame pointer.
    """
    size = space.word_size
    room = min(max(frame.bp - frame.sp, size), LARGEST_FRAME)
    return next(
        (above for above in range(0, room, size) if _follows_call(space, frame.sp + above, names)),
        None,
    )


def _follows_call(space: Space, slot: int, names: Names) -> bool:
    """Whether the word in the stack is the address behind a CALL instruction of the kernel."""
    address = space.word(slot)
    if address is None or not names.is_code(address - 1):
        return False
    code = space.read(address - LONGEST_CALL, LONGEST_CALL)
    if code is None:
        return False
    if code[-5] == 0xE8:
        return True
    # FF /2: the ModRM byte has 2 in its middle (Intel SDM 2A, CALL).
    return any(code[-n] == 0xFF and code[1 - n] >> 3 & 7 == 2 for n in (2, 3, 4, 6, 7))
