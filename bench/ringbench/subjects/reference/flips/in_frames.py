"""The frame allocator's bits, counters and variables to flip, and those that the console keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ringbench.subjects.reference.flips.free import ECHO, GAP
from ringbench.subjects.reference.flips.site import Site
from ringbench.subjects.reference.flips.structure import BYTE, Spot, Structure, of_bitmap, of_spots
from ringbench.subjects.reference.model.pmm import metadata_arrays
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handles import root_handle

PMM = "pmm"
MACHINE = "machine"

BLOCK_COUNTER_BITS = 16
BLOCK_MASK_BITS = 8
Place = Callable[[int], str]


def allocator_structures(site: Site) -> Iterator[Structure]:
    """Yield what the frame allocator keeps, in its metadata and in its variables."""
    pmm = site.state.pmm
    base, frames = pmm.metadata_base, pmm.frame_limit
    arrays = metadata_arrays(frames)
    yield of_bitmap("free bits", PMM, base + arrays.free_bits[0], frames, _frame)
    yield of_bitmap("managed bits", PMM, base + arrays.managed_bits[0], frames, _frame)
    bottoms = (arrays.any_bottom, arrays.whole_bottom)
    yield of_spots(
        "tree bottoms",
        PMM,
        [spot for array in bottoms for spot in _elements(base, array, 1, _block)],
    )
    counters = _elements(base, arrays.block_free, BLOCK_COUNTER_BITS, _block)
    yield of_spots("block counters", PMM, counters)
    yield of_spots("block masks", PMM, _elements(base, arrays.block_words, BLOCK_MASK_BITS, _block))
    yield of_spots("gaps in the metadata", PMM, _gaps(base, list(arrays), pmm.metadata_length))
    names = site.layout.pmm
    of_trees: list[Spot] = []
    others: list[Spot] = []
    for part, paddr in site.variable(names.record):
        place = f"{names.record}{part.path}"
        words = f".{names.tree_top}", f".{names.tree_middle}["
        of_tree = any(word in part.path for word in words)
        (of_trees if of_tree else others).append(part.spot(paddr, place, names.record))
    yield of_spots("tree tops and middles", PMM, of_trees)
    yield of_spots("allocator's variables", PMM, others)


def console_structures(site: Site) -> Iterator[Structure]:
    """Yield the bits of lent frames, and the console's variables with its roots."""
    console, frames = site.state.console, site.state.pmm.frame_limit
    yield of_bitmap("lent bits", MACHINE, console.lent_base, frames, _frame)
    rest = _gaps(console.lent_base, [(0, frames // BYTE)], console.lent_length)
    if rest:
        yield of_spots("rest of the lent bits' frames", MACHINE, rest)
    names = site.layout.console
    roots: list[Spot] = []
    others: list[Spot] = []
    for part, paddr in site.variable(names.record):
        path = f"{names.record}{part.path}"
        if path.startswith(f"{names.roots}["):
            number = int(path[len(names.roots) + 1 : -1])
            roots.append(part.spot(paddr, root_handle(number), names.record))
        elif path.startswith(f"{site.layout.slabs.of_console}["):
            continue  # in_slabs has those that are in use
        elif path == names.echo:
            free = {ECHO: 1}
            others.append(Spot(path, paddr, part.size * BYTE, path, free=free))
        else:
            others.append(part.spot(paddr, path, names.record))
    yield of_spots("bare roots", MACHINE, roots)
    yield of_spots("console's variables", MACHINE, others)


def _frame(number: int) -> str:
    return f"physical {number * FRAME_SIZE:#x}..{(number + 1) * FRAME_SIZE:#x}"


def _block(number: int) -> str:
    return f"block {number}"


def _elements(base: int, array: tuple[int, int], bits: int, place: Place) -> list[Spot]:
    """Return the elements of `bits` bits of an array in the metadata."""
    offset, length = array
    spots = []
    for number in range(length * BYTE // bits):
        byte, first = divmod(number * bits, BYTE)
        paddr = base + offset + byte
        spots.append(Spot(f"element {number}", paddr, bits, place(number), first))
    return spots


def _gaps(base: int, arrays: list[tuple[int, int]], end: int) -> list[Spot]:
    """Return what lies between arrays, given as (offset, length) in order, and after the last."""
    gaps = []
    position = 0
    for offset, length in (*arrays, (end, 0)):
        if offset > position:
            bits = (offset - position) * BYTE
            gaps.append(Spot("gap", base + position, bits, "none", free={GAP: (1 << bits) - 1}))
        position = offset + length
    return gaps
