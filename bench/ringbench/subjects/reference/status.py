"""The kernel's statuses, stated once more: a test holds them equal to kernel/base/status.h."""

from enum import IntEnum
from functools import cached_property


class Status(IntEnum):
    """What a kernel function returns; the kernel's header says what each means."""

    OK = 0
    INVALID = -1
    MISALIGNED = -2
    NON_CANONICAL = -3
    OUT_OF_RANGE = -4
    NO_MEMORY = -5
    NO_SPACE = -6
    NOT_ALLOCATED = -7
    FOREIGN = -8
    MAPPED = -9
    NOT_MAPPED = -10
    UNSUPPORTED = -11
    DENIED = -12
    GUARD = -13
    DOUBLE_FREE = -14
    INTERIOR = -15
    CORRUPT = -16
    NOT_FOUND = -17
    BUSY = -18
    FAULT = -19
    SYNTAX = -20
    TOO_LONG = -21

    @cached_property
    def text(self) -> str:
        """The name as the monitor prints it: `no_memory`."""
        return self.name.lower()
