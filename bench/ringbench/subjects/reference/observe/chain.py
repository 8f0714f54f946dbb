"""The chain of heaps: what it is made of, and which cache serves which request."""

from dataclasses import dataclass

from ringbench.observe.reader import GuestReader
from ringbench.subjects.reference.observe.names import ChainNames


@dataclass(frozen=True, slots=True)
class SeenChain:
    """The chain as the kernel's memory has it.

    Attributes:
        small: the largest request that the front serves, in bytes; 0: there is no front.
        buddy: 1 if the back is the buddy allocator.
        class_of: by the units of a request, the number of the front's cache.
    """

    small: int
    buddy: int
    class_of: tuple[int, ...]


def read_chain(guest: GuestReader, names: ChainNames) -> SeenChain:
    """Read the chain's variables, but its caches, which are of the list of all."""
    return SeenChain(
        guest.integer(names.small), guest.integer(names.buddy), guest.integers(names.class_of)
    )
