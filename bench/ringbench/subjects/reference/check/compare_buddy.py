"""The buddy allocator against the model: every byte of its map, every ring both ways."""

from functools import partial

from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.observe.buddy import block_place, ring_place
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import BUDDY_USED


def compare_buddy(picture: Picture, state: KernelState) -> Comparison:
    """Compare the region's length, the counts, every block, every ring."""
    tally, model, seen = Comparison("buddy"), state.buddy, picture.buddy
    names = picture.layout.buddy
    tally.equal("length", model.length, seen.length, names.length, hex)
    tally.equal("blocks in use", model.used_count, seen.used_count, names.used_count)
    tally.equal("bytes in use", model.used_bytes, seen.used_bytes, names.used_bytes, hex)
    nonempty = sum(1 << order for order in model.free)
    tally.equal("orders with a free block", nonempty, seen.nonempty, names.nonempty, hex)
    tally.equal_all("frame of the map", model.maps, seen.maps, partial(_map, names.maps), hex)
    tally.equal("frames of the map past the end", 0, seen.past, names.maps)
    expected = {
        offset: block.order | BUDDY_USED * block.used for offset, block in model.blocks.items()
    }
    tally.comparisons += len(expected.keys() | seen.blocks.keys())
    if expected != seen.blocks:
        for offset in sorted(expected.keys() | seen.blocks.keys()):
            one, other = expected.get(offset), seen.blocks.get(offset)
            if one != other:
                tally.differs("block", _block(one), _block(other), block_place(offset))
    for way, rings in (("next", seen.free), ("previous", seen.backwards)):
        for order in sorted(model.free.keys() | rings.keys()):
            wanted = model.free.get(order, ())
            wanted = wanted if way == "next" else wanted[::-1]
            holder = partial(_holder, order, wanted)
            tally.links(f"{way} block", wanted, rings.get(order, ()), holder, hexadecimal)
    return tally


def _map(maps: str, index: int) -> str:
    return f"{maps}[{index}]"


def _holder(order: int, offsets: tuple[int, ...], index: int) -> str:
    return block_place(offsets[index - 1]) if index else ring_place(order)


def _block(byte: int | None) -> str:
    if byte is None:
        return "none"
    return f"order {byte & (BUDDY_USED - 1)} {'used' if byte & BUDDY_USED else 'free'}"
