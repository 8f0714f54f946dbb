"""What `frames`, `heap` and `spaces` of the reference kernel share: boot, take the picture, check.

What reads a picture is loaded only when it is needed: nothing of that comes before the boot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ringbench.check.mismatch import Mismatch
from ringbench.cli.common import dumping, type_lines
from ringbench.config import Config

if TYPE_CHECKING:
    from ringbench.subjects.reference.observe.picture import Picture


@contextmanager
def look(config: Config, lines: Collection[str], save_dump: Path | None) -> Iterator[Picture]:
    """Boot the configured kernel, have its console perform the lines, and take its picture.

    What the console replies goes to standard error. The dump is written after the block.

    Raises:
        RingbenchError: the machine could not start, died or hung.
    """
    from ringbench.debuginfo.dwarf import Types
    from ringbench.machine import Machine

    types = Types.load(config.kernel.elf)
    with Machine.start(config) as guest:
        type_lines(guest, lines)
        with dumping(guest, save_dump):
            from ringbench.subjects.reference.observe.picture import take_from

            yield take_from(guest, types)


def problems_of(picture: Picture, layers: Collection[str]) -> list[Mismatch]:
    """Return the broken invariants of some layers."""
    from ringbench.subjects.reference.check.invariants import check_invariants

    return [mismatch for mismatch in check_invariants(picture) if mismatch.layer in layers]
