"""What the values of a reply are, whatever the channel that brings it."""

from enum import Enum, auto


class ValueKind(Enum):
    """What a value is, and so how a channel spells it."""

    ADDRESS = auto()
    """An address, a size or a length in bytes; the console prints it in hexadecimal."""
    COUNT = auto()
    """How many there are of something; the console prints it in decimal."""
    ROOT = auto()
    """The handle of a bare root: `r0`."""
    TASK = auto()
    """The handle of a task: `t1`."""
    DISK = auto()
    """The handle of a disk: `d0`."""
    FILE = auto()
    """The handle of an open file: `f0`."""
    OBJECT = auto()
    """The handle of a memory object: `o0`."""
    FLAGS = auto()
    """Page flags: `rwu`."""
    BACKING = auto()
    """Where a region's pages come from: `demand`."""
    BYTES = auto()
    """Contents of memory, two hexadecimal digits a byte."""
    VECTOR = auto()
    """The name of an exception: `page_fault`."""
    ERROR = auto()
    """The processor's error code."""
    CAUSE = auto()
    """A status inside a reply."""


Shape = tuple[ValueKind, ...]
"""The values of a reply, in their order."""
