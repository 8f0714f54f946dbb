"""How what the kernel is asked can end: a status, a refusal, a panic.

The statuses are stated once more: a test holds them equal to kernel/base/status.h.
"""

from ringbench.subjects.reference.vocabulary.named import Named


class Status(Named):
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
    IO = -22


class Refused(Exception):
    """An operation that is refused before any function of the kernel's is called for it.

    An exception, so that whatever performs operations reads straight; it becomes a reply.
    """

    def __init__(self, status: Status) -> None:
        super().__init__(status.text)
        self.status = status


class Panic(Exception):
    """The kernel stops where its contract says that it must, with these words in its message.

    `words` are what the message says behind file and line.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words
