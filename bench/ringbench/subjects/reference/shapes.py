"""What replies are made of: the kinds of values each operation answers with, whatever the channel.

A reply that does not fit its operation's shape is malformed: nothing is guessed.
"""

from enum import Enum, auto
from typing import Final

from ringbench.subjects.reference import operations as ops
from ringbench.subjects.reference.operations import Operation


class Kind(Enum):
    """What a value is, and so how a channel spells it."""

    ADDRESS = auto()
    """An address, a size or a length in bytes; the console prints it in hexadecimal."""
    COUNT = auto()
    ROOT = auto()
    TASK = auto()
    FLAGS = auto()
    BACKING = auto()
    BYTES = auto()
    VECTOR = auto()
    ERROR = auto()
    """The processor's error code."""
    CAUSE = auto()
    """A status inside a reply."""


Shape = tuple[Kind, ...]

_ADDRESS: Final[tuple[Shape, ...]] = ((Kind.ADDRESS,),)
_REGION: Final[Shape] = (Kind.ADDRESS, Kind.ADDRESS, Kind.BACKING, Kind.FLAGS)
_NOTHING: Final[tuple[Shape, ...]] = ((),)
_SMASHED: Final[dict[str, Shape]] = {"corrupt": (Kind.ADDRESS,)}

_SHAPES: Final[dict[type[Operation], tuple[Shape, ...]]] = {
    ops.PmmAlloc: _ADDRESS,
    ops.PmmAlloc2m: _ADDRESS,
    ops.PmmInfo: ((Kind.COUNT, Kind.COUNT),),
    ops.PageNew: ((Kind.ROOT,),),
    ops.PageQuery: ((Kind.ADDRESS, Kind.ADDRESS, Kind.ADDRESS, Kind.FLAGS),),
    ops.VmAlloc: _ADDRESS,
    ops.VmQuery: (_REGION, (*_REGION, Kind.ADDRESS)),
    ops.VmRead: ((Kind.BYTES,),),
    ops.HeapAlloc: _ADDRESS,
    ops.HeapZalloc: _ADDRESS,
    ops.HeapAlign: _ADDRESS,
    ops.HeapRealloc: _ADDRESS,
    ops.HeapInfo: ((Kind.ADDRESS, Kind.COUNT, Kind.COUNT, Kind.COUNT, Kind.COUNT),),
    ops.TaskNew: ((Kind.TASK,),),
}
"""The forms that the values of a success may have; none, where it is not listed."""

_FAILURES: Final[dict[type[Operation], dict[str, Shape]]] = {
    ops.Touch: {"fault": (Kind.VECTOR, Kind.ERROR, Kind.CAUSE)},
    ops.HeapCheck: _SMASHED,
    ops.HeapInfo: _SMASHED,
}
"""Status -> the values of a failure: what faulted, which node is smashed."""


def shapes(operation: type[Operation], status: str) -> tuple[Shape, ...]:
    """Return the forms that the values of an operation's reply may have, by their number."""
    if status == "ok":
        return _SHAPES.get(operation, _NOTHING)
    return (_FAILURES.get(operation, {}).get(status, ()),)
