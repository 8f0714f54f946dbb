"""The kinds of findings, by instrument: what each is called, and how it is told in a sentence.

The numbers are those of plugin/heap.h and plugin/frames.h; a test compares. Those of translations
have a file of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringbench.microscope.kind import Details, Kind, access_of, bytes_of
from ringbench.microscope.kinds_stacks import STACKS
from ringbench.microscope.kinds_translations import TRANSLATIONS
from ringbench.microscope.layout import Access, Instrument

BLOCK, SIZE, DISTANCE, WRONG = range(4)
"""Details of the heap's findings."""


def _block(details: Details) -> str:
    return f"the block of {bytes_of(details[SIZE])} at {details[BLOCK]:#x}"


def _of_access(access: Access, details: Details) -> str:
    some = "" if details[WRONG] == access.size else f", {details[WRONG]} of them wrong"
    return f"{access_of(access)}{some}: "


def _overrun(access: Access, details: Details) -> str:
    behind = f"byte {details[DISTANCE] + 1} behind the end of {_block(details)}"
    return f"{_of_access(access, details)}{behind}"


def _underrun(access: Access, details: Details) -> str:
    before = f"byte {details[DISTANCE]} before the beginning of {_block(details)}"
    return f"{_of_access(access, details)}{before}"


def _after_free(access: Access, details: Details) -> str:
    inside = f"byte {details[DISTANCE]} of {_block(details)}, which was given back"
    return f"{_of_access(access, details)}{inside}"


def _outside(access: Access, details: Details) -> str:
    near = f"{bytes_of(details[DISTANCE])} from {_block(details)}, which was given back"
    return f"{_of_access(access, details)}between blocks, {near}"


def _inside(access: Access, details: Details) -> str:
    return f"gives back {access.address:#x}, which is byte {details[DISTANCE]} of {_block(details)}"


def _unwritten(access: Access, details: Details) -> str:
    return f"{access_of(access)}, byte {details[DISTANCE]} of {_block(details)}: nobody wrote there"


def _own_write(access: Access, details: Details) -> str:
    inside = f"byte {details[DISTANCE]} of {_block(details)}, which is in use"
    return f"the allocator {_of_access(access, details)}{inside}"


def _frame(details: Details) -> str:
    return f"the frame {details[BLOCK]:#x}"


def _after_frame(access: Access, details: Details) -> str:
    return f"{access_of(access)}: {_frame(details)}, which was given back"


def _still_mapped(access: Access, details: Details) -> str:
    return f"{access_of(access)}, where {_frame(details)} is still mapped, which was given back"


LIVE: Final = "an access to a block in use"
OWNED: Final = "an access to a frame in use"
FREED: Final = "a block in use is given back"

KINDS: Final[Mapping[tuple[Instrument, int], Kind]] = {
    (Instrument.HEAP, 1): Kind("overrun", LIVE, _overrun),
    (Instrument.HEAP, 2): Kind("underrun", LIVE, _underrun),
    (Instrument.HEAP, 3): Kind("use after free", LIVE, _after_free),
    (Instrument.HEAP, 4): Kind("access between blocks", LIVE, _outside),
    (Instrument.HEAP, 5): Kind(
        "double free",
        FREED,
        lambda access, details: f"gives back {_block(details)} once more",
    ),
    (Instrument.HEAP, 6): Kind("free inside a block", FREED, _inside),
    (Instrument.HEAP, 7): Kind(
        "block handed out twice",
        "memory that nobody has",
        lambda access, details: f"hands out {access.address:#x}, and {_block(details)} is in use",
    ),
    (Instrument.HEAP, 8): Kind("unwritten read", "bytes that were written", _unwritten),
    (Instrument.HEAP, 9): Kind("allocator writes to a block", "blocks in use are left", _own_write),
    (Instrument.FRAMES, 1): Kind("use of a free frame", OWNED, _after_frame),
    (Instrument.FRAMES, 2): Kind("free frame still mapped", OWNED, _still_mapped),
    (Instrument.FRAMES, 3): Kind(
        "frame handed out twice",
        "a frame that nobody has",
        lambda access, details: f"hands out {_frame(details)}, which is in use",
    ),
    (Instrument.FRAMES, 4): Kind(
        "frame that is no RAM",
        "a frame of RAM",
        lambda access, details: f"hands out {_frame(details)}: a device or the firmware is there",
    ),
    (Instrument.FRAMES, 5): Kind(
        "frame freed twice",
        "a frame in use is given back",
        lambda access, details: f"gives back {_frame(details)} once more",
    ),
    **{(Instrument.TRANSLATIONS, number): kind for number, kind in TRANSLATIONS.items()},
    **{(Instrument.STACKS, number): kind for number, kind in STACKS.items()},
}
"""Instrument and number -> kind."""
