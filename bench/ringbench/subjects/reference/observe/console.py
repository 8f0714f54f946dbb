"""What the console owns on behalf of whoever types at it: lent frames and bare roots."""

from dataclasses import dataclass, field

from ringbench.observe.reader import GuestReader
from ringbench.subjects.reference.observe.names import ConsoleNames
from ringbench.subjects.reference.vocabulary.constants import PADDR_NONE

LAYER = "machine"


@dataclass(frozen=True, slots=True)
class SeenConsole:
    """What the console keeps, as the kernel's memory has it.

    Attributes:
        lent_bits: an integer, bit f: frame f is lent to the console's user.
        lent_address: the virtual address of those bits.
        lent_base, lent_length: the bytes of physical memory that hold those bits.
        roots: by handle number, the physical address of a bare root, or None.
        echo: whether it echoes what is typed.
    """

    lent_bits: int = field(repr=False)
    lent_address: int
    lent_base: int
    lent_length: int
    roots: tuple[int | None, ...]
    echo: bool


def read_console(guest: GuestReader, names: ConsoleNames, frames: int) -> SeenConsole:
    """Read the console's state; `frames` is how many frames have a bit."""
    return SeenConsole(
        lent_bits=guest.bitmap(LAYER, names.lent_bits, frames),
        lent_address=guest.integer(names.lent_bits),
        lent_base=guest.integer(names.lent_base),
        lent_length=guest.integer(names.lent_length),
        roots=tuple(root if root != PADDR_NONE else None for root in guest.integers(names.roots)),
        echo=guest.boolean(LAYER, names.echo),
    )
