"""Whether a stack ran past its end: into what is not mapped, or into what lies below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.debuginfo.frames import Frame
from ringbench.explain.log import Logged
from ringbench.explain.names import Names
from ringbench.explain.space import Space

NEAR: Final = PAGE_SIZE
"""Bytes from the stack pointer within which an access counts as one to the stack."""

LARGEST_FRAME: Final = 1 << 20
FARTHEST: Final = 1 << 20
"""How far above a stack pointer the end of a stack, or the stack of a caller, is looked for."""


def ran_out(space: Space, event: Logged, stack: Sequence[Frame], names: Names) -> str:
    """Say that the access that faulted was one below the end of a stack; empty if it was not."""
    wanted, sp = event.cr2, event.sp
    if wanted is None or space.physical(wanted) is not None:
        return ""
    bp = event.cpu["rbp"]
    frame = bp if sp <= bp < sp + LARGEST_FRAME else sp
    if not sp - NEAR <= wanted < max(sp + NEAR, frame):
        return ""
    end = next(
        (
            page
            for page in range((wanted & -PAGE_SIZE) + PAGE_SIZE, wanted + FARTHEST, PAGE_SIZE)
            if space.physical(page % (1 << 64)) is not None
        ),
        None,
    )
    text = f"the stack ran past its end: the stack pointer is {sp:#x}"
    if end is not None:
        text += f", and what is mapped above begins at {names.describe(end)}"
    return text + depth(stack)


def overran(stack: Sequence[Frame], names: Names) -> str:
    """Say that the stack pointer has left what the outermost frame is in; or nothing.

    That is an object with a name, or the segment of data.
    """
    sp, outermost = stack[0].sp, stack[-1].sp - 1
    segment = names.segment(outermost)
    if segment is not None and 0 < segment.begin - sp < FARTHEST:
        return (
            f"the stack ran past its end: the data that it began in, below "
            f"{names.describe(outermost + 1)}, begin at {segment.begin:#x}, and the stack pointer, "
            f"{sp:#x}, is {segment.begin - sp} bytes below that{depth(stack)}"
        )
    home, here = names.symbol(outermost), names.symbol(sp)
    begin = names.begins(outermost)
    if not home or not here or begin is None or home == here:
        return ""
    if names.is_code(outermost) or not 0 < begin - sp < FARTHEST:
        return ""
    return (
        f"the stack ran past its end: {home} begins at {begin:#x}, and the stack pointer is "
        f"{begin - sp} bytes below that, in {here}{depth(stack)}"
    )


def depth(stack: Sequence[Frame]) -> str:
    """Say how deep a stack is."""
    if len(stack) < 2:
        return ""
    return f"; it is {len(stack)} frames and {stack[-1].sp - stack[0].sp} bytes deep"
