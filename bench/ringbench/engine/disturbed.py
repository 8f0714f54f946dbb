"""What comes from outside: somebody ended or stopped QEMU or gdb, or memory ran out.

It says nothing of the kernel. So what was under way is tried once more on a new machine, and if
that is disturbed too, it is given up: nothing is kept of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ringbench.errors import MachineError

Result = TypeVar("Result")


def try_twice(
    attempt: Callable[[], Result], renew: Callable[[], object], disturbed: list[str]
) -> Result:
    """Make an attempt; once more, after `renew`, if it is disturbed, which is noted in a line.

    Raises:
        MachineError: the second was disturbed as well (`outside` is true), or something else.
    """
    try:
        return attempt()
    except MachineError as error:
        if not error.outside:
            raise
        disturbed.append(f"{first_line(error)}; tried once more")
    renew()
    return attempt()


def first_line(error: MachineError) -> str:
    """Return what happened, in one line."""
    return str(error).partition("\n")[0]
