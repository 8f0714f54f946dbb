"""Steps as the stub reads them: ten words each. stub.S says what is where."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from ringbench.drive.guest_calls.layout import MOST_STEPS
from ringbench.drive.guest_calls.steps import Leave, Result, Step

MOST_OPERANDS: Final = 7
"""A function and six arguments."""

MOST_NONES: Final = 2

_STEP: Final = struct.Struct("<BBB5x9Q")  # kind, which operands are results, how many nones
_WORD: Final = 1 << 64
_STEP_BITS: Final = 16  # of a word that stands for a result; the others are what is added
_FARTHEST: Final = 1 << 47


def encode(steps: Sequence[Step | Leave]) -> bytes:
    """Return a batch as the stub reads it.

    Raises:
        ValueError: too many steps, arguments or values that mean none; a number that does not fit;
            or the result of a step that does not come before.
    """
    if len(steps) > MOST_STEPS:
        raise ValueError(f"{len(steps)} steps: a batch has at most {MOST_STEPS}")
    return b"".join([_encode(step, number) for number, step in enumerate(steps)])


def _encode(step: Step | Leave, number: int) -> bytes:
    operands, none, relative = step.operands(), step.none, 0
    if len(operands) > MOST_OPERANDS or len(none) > MOST_NONES:
        raise ValueError(
            f"step {number}: a call has at most {MOST_OPERANDS - 1} arguments, and {MOST_NONES} "
            f"values that mean none: {step}"
        )
    words = [0] * (MOST_OPERANDS + MOST_NONES)
    words[MOST_OPERANDS : MOST_OPERANDS + len(none)] = none
    for index, operand in enumerate(operands):
        if isinstance(operand, Result):
            relative |= 1 << index
            words[index] = _relative(operand, number)
        else:
            words[index] = operand
    try:
        return _STEP.pack(step.kind, relative, len(none), *words)
    except struct.error:  # for numbers below 0, which are as right as any, and for those too large
        words = [_unsigned(word, number) for word in words]
        return _STEP.pack(step.kind, relative, len(none), *words)


def _relative(operand: Result, number: int) -> int:
    if not 0 <= operand.step < number:
        raise ValueError(f"step {number} needs the result of step {operand.step}: of none before")
    if not -_FARTHEST <= operand.plus < _FARTHEST:
        raise ValueError(f"step {number}: {operand.plus:#x} is too much to add to a result")
    return (operand.plus << _STEP_BITS | operand.step) % _WORD


def _unsigned(word: int, number: int) -> int:
    if not -(_WORD >> 1) <= word < _WORD:
        raise ValueError(f"step {number}: {word:#x} does not fit in 64 bits")
    return word % _WORD
