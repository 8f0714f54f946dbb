"""Memory objects against the model: their list, their records, every entry of their trees."""

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.check.comparison import Comparison, hexadecimal
from ringbench.check.mismatch import Finding
from ringbench.subjects.reference.model.object import entries
from ringbench.subjects.reference.model.state import KernelState, VmObject
from ringbench.subjects.reference.observe.objects import SeenObject, node_place
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.vocabulary.constants import FRAME_SIZE
from ringbench.subjects.reference.vocabulary.handles import object_handle


def compare_object(picture: Picture, state: KernelState) -> Comparison:
    """Compare the list of objects, what each says of itself, and its tree."""
    tally, names = Comparison("object"), picture.layout.objects
    records = {it.record: number for number, it in state.objects.items()}
    handles = [object_handle(number) for number in state.objects]

    def holder(index: int) -> str:
        return handles[index - 1] if index else names.first

    seen = [each.address for each in picture.objects]
    tally.links("next object", list(records), seen, holder, hexadecimal)
    for each in picture.objects:
        if each.address in records:
            number = records[each.address]
            _compare(tally, object_handle(number), number, state.objects[number], each)
    return tally


def _compare(
    tally: Comparison, handle: str, number: int, model: VmObject, seen: SeenObject
) -> None:
    present = 1
    tally.equal("id", number, seen.id, handle)
    tally.equal("references", model.references, seen.references, handle)
    tally.equal("pages", model.pages, seen.pages, handle)
    tally.equal("levels of the tree", model.levels, seen.levels, handle)
    tally.equal("handle", int(model.has_handle), seen.has_handle, handle)
    top = model.nodes[model.levels, 0] | present if model.nodes else 0
    tally.equal("topmost node", top, seen.top, handle, hexadecimal)
    expected: dict[int, dict[int, int]] = {frame: {} for frame in model.nodes.values()}
    for node, place, frame in entries(model):
        expected[node][place] = frame | present
    found = {node.frame: node.entries for node in seen.nodes}
    for node in expected:
        if node in found:
            one, other = expected[node], found[node]
            tally.comparisons += FRAME_SIZE // 8
            for place in sorted(one.keys() | other.keys()):
                if one.get(place, 0) != other.get(place, 0):
                    where = f"{node_place(handle, node)} entry {place}"
                    was, now = (hexadecimal(each.get(place, 0)) for each in (one, other))
                    tally.differs("entry", was, now, where)


def compare_object_contents(memory: PhysicalMemory, state: KernelState) -> Finding:
    """Compare every byte of every page of every object.

    Raises:
        MemoryUnreadable: the model believes in a frame that the machine does not have.
    """
    tally = Comparison("object")
    zeros = bytes(FRAME_SIZE)
    for number, it in state.objects.items():
        for index, frame in it.frames.items():
            where = f"{object_handle(number)}: page {index} (physical {frame:#x})"
            expected = state.contents.get(frame, zeros)
            tally.equal_bytes("contents", expected, memory.read(frame, FRAME_SIZE), where)
    return tally.done()
