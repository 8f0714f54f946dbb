"""What must become of a boot, before it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.subjects.reference.boots.facts import Facts
from ringbench.subjects.reference.boots.handover import Handover, Piece
from ringbench.subjects.reference.model.boot_info import BootInfo, boot_info_init
from ringbench.subjects.reference.model.kernel import boot
from ringbench.subjects.reference.model.pmm import pmm_init
from ringbench.subjects.reference.model.state import KernelState, PmmState
from ringbench.subjects.reference.vocabulary.constants import BOOT_MAP_SIZE, FRAME_SIZE
from ringbench.subjects.reference.vocabulary.status import Panic


@dataclass(frozen=True, slots=True)
class Prediction:
    """How a boot must end: with this state at the prompt, or with a panic of these words.

    Attributes:
        info: what the kernel kept of the loader's information, if it got so far.
        pmm: its frame allocator after pmm_init, if it got so far.
        state: the state at the prompt, unless it panics.
        panic: the words of the panic; empty if there is none.
    """

    info: BootInfo | None = None
    pmm: PmmState | None = None
    state: KernelState | None = None
    panic: str = ""


def predict(memory: PhysicalMemory, handover: Handover, facts: Facts) -> Prediction:
    """Return how a boot must end; `memory` is what the processor reads when the kernel begins."""
    info = pmm = None
    try:
        bits = facts.features.physical_bits
        info = boot_info_init(memory, handover.magic, handover.information, bits, facts.image)
        pmm = pmm_init(info.map)
        state = boot(info.map, facts.segments, facts.features, facts.sizes, (), info.command_line)
    except Panic as panic:
        return Prediction(info, pmm, None, panic.words)
    return Prediction(info, pmm, state)


def uses_only_ram(prediction: Prediction, facts: Facts) -> bool:
    """Whether all that the kernel writes to while it boots is memory.

    A loader that calls something available is believed; what becomes of a kernel whose tables are
    where nothing keeps them, nobody can predict.
    """
    pmm, state = prediction.pmm, prediction.state
    if pmm is None:
        return True
    used = [(pmm.metadata_base, pmm.metadata_length)]
    if state is None:  # it used up all that it could reach, or nearly so
        used += [
            (first * FRAME_SIZE, min(count * FRAME_SIZE, BOOT_MAP_SIZE - first * FRAME_SIZE))
            for first, count in pmm.free.runs()
            if first * FRAME_SIZE < BOOT_MAP_SIZE
        ]
    else:
        used += [(table, FRAME_SIZE) for table in state.tables]
        used.append((state.console.lent_base, state.console.lent_length))
    return all(facts.has_ram(base, length) for base, length in used)


class Overlaid:
    """Memory with some bytes changed."""

    def __init__(self, memory: PhysicalMemory, pieces: Iterable[Piece]) -> None:
        self._memory = memory
        self._pieces = tuple(pieces)

    def read(self, paddr: int, length: int) -> bytes:
        """Return `length` bytes at `paddr`; where pieces overlap, the last one's."""
        data = bytearray(self._memory.read(paddr, length))
        for piece in self._pieces:
            start, end = max(piece.at, paddr), min(piece.end, paddr + length)
            if start < end:
                data[start - paddr : end - paddr] = piece.data[start - piece.at : end - piece.at]
        return bytes(data)
