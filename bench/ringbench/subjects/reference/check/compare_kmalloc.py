"""The chain of heaps against the model: what the command line chose, and the table of classes."""

from ringbench.check.comparison import Comparison
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import (
    KMALLOC_SIZES,
    KMALLOC_SMALL,
    KMALLOC_UNIT,
)


def compare_kmalloc(picture: Picture, state: KernelState) -> Comparison:
    """Compare front and back, and which cache serves how large a request."""
    tally, seen, names = Comparison("kmalloc"), picture.chain, picture.layout.chain
    chain = state.chain
    tally.equal("largest of the front", KMALLOC_SMALL * chain.front, seen.small, names.small)
    tally.equal("back is the buddies", int(chain.buddy), seen.buddy, names.buddy)
    units = range(0, KMALLOC_SMALL + 1, KMALLOC_UNIT)
    classes = tuple(
        next(number for number, size in enumerate(KMALLOC_SIZES) if size >= each) * chain.front
        for each in units
    )
    tally.equal_all("class of a size", classes, seen.class_of, lambda n: f"{names.class_of}[{n}]")
    return tally
