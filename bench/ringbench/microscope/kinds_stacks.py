"""Findings about stacks, in words; kinds and details are those of plugin/stacks.c."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringbench.microscope.kind import Details, Kind, access_of, bytes_of
from ringbench.microscope.layout import Access

BEGIN, END, BELOW = range(3)
TARGET, CALL = range(2)


def _overflow(access: Access, details: Details) -> str:
    size = details[END] - details[BEGIN]
    return (
        f"{access_of(access)}, {bytes_of(details[BELOW])} below the stack of {bytes_of(size)} at "
        f"{details[BEGIN]:#x}, which has no guard page there"
    )


def _returned(access: Access, details: Details) -> str:
    return (
        f"returns to {details[TARGET]:#x}, by {access.address:#x}, where the CALL at "
        f"{details[CALL]:#x} had put its return address"
    )


STACKS: Final[Mapping[int, Kind]] = {
    1: Kind("stack overflow", "a stack that is large enough", _overflow, ()),
    2: Kind(
        "return address overwritten",
        "a return to where the call was",
        _returned,
        ("the return address was stored to at",),
    ),
}
"""Number -> kind."""
