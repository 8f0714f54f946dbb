"""What a test wants of the plain scan, one kind of record at a time."""

from collections.abc import Iterator

from ringbench.arch.x86_64.features import ANY, Features
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.arch.x86_64.plain_scan import scan
from ringbench.arch.x86_64.records import DEFAULT_LIMIT, Leaf, Problem, Table


def leaves(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Leaf]:
    """List every mapped page under `root` in address order, leaving out problems."""
    return (each for each in scan(memory, root, features, limit) if isinstance(each, Leaf))


def tables(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Table]:
    """List every page table under `root`; a frame that serves twice is listed twice."""
    return (each for each in scan(memory, root, features, limit) if isinstance(each, Table))


def problems(
    memory: PhysicalMemory, root: int, features: Features = ANY, limit: int = DEFAULT_LIMIT
) -> Iterator[Problem]:
    """List what cannot be followed under `root`: reserved bits, tables outside memory."""
    return (each for each in scan(memory, root, features, limit) if isinstance(each, Problem))
