"""The reference kernel as a subject: its model predicts every address, so replies are exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any, Final

from ringbench.config import Config
from ringbench.drive.reply import Reply
from ringbench.subject import Case, Count, ForcedFailure, Kernel, Starvable
from ringbench.subjects.reference import workload
from ringbench.subjects.reference.drive.console_lines import parse_line
from ringbench.subjects.reference.kernel import CHANNELS, ReferenceKernel
from ringbench.subjects.reference.machines import MACHINES
from ringbench.subjects.reference.model.kernel import perform
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.starve import shortage
from ringbench.subjects.reference.starve.cases import ALL
from ringbench.subjects.reference.starve.disk_errors import disk_errors
from ringbench.subjects.reference.starve.growth import heap_cannot_grow
from ringbench.subjects.reference.vocabulary.operations.base import Operation
from ringbench.subjects.reference.vocabulary.operations.table import LAYERS
from ringbench.subjects.reference.vocabulary.required import NAME

PLAIN: Final[dict[str, tuple[int, ...]]] = {
    "align": (4096,),
    "count": (1, 2),
    "flags": (0, 1),
    "length": (1, 0x1000, 0x2000),
    "size": (1, 16, 4096),
}
"""Field of an operation -> values that say least, plainest first."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The kernel in this tree, as `ringbench.subject.Starvable` describes one.

    Attributes:
        extreme: share of the steps of a run that go for an extreme.
    """

    name: str = NAME
    layers: tuple[str, ...] = LAYERS
    channels: tuple[str, ...] = CHANNELS
    machines: tuple[Mapping[str, str], ...] = MACHINES
    extreme: float = workload.EXTREME

    def draw(self, random: Random, state: KernelState, layers: Sequence[str]) -> Operation:
        """Draw a sensible operation, a mistake, or memory that is no RAM, in proportion."""
        return workload.draw(random, state, layers)

    def draw_mistake(self, random: Random, state: KernelState, layers: Sequence[str]) -> Operation:
        """Draw a mistake that a caller makes: a double free, an overlap, a handle that is gone."""
        return workload.misuse(random, state, layers)

    def draw_steps(
        self, random: Random, state: KernelState, layers: Sequence[str]
    ) -> Iterator[Operation]:
        """Draw an operation, one in eight spoiled; a change of a region often between touches.

        Or draw many that bring a layer to an extreme: hundreds of tasks, nodes of gigabytes.
        """
        return workload.draw_steps(random, state, layers, self.extreme)

    def plainer(self, operation: Operation) -> Iterator[Operation]:
        """Yield the operation with one number replaced by a plainer one, or with fewer bytes."""
        for field in fields(operation):
            value: Any = getattr(operation, field.name)
            plainer = [value[:1]] if field.name == "data" else PLAIN.get(field.name, ())
            for plain in plainer:
                if value is None or plain == value:
                    break
                changes: dict[str, Any] = {field.name: plain}
                yield replace(operation, **changes)

    def parse(self, line: str) -> Operation:
        """Return the operation that a line of the console asks for.

        Raises:
            MalformedLine: no command, or words that do not fit it.
        """
        return parse_line(line)

    def drain(self, state: KernelState) -> Operation | None:
        """Return the next operation on the way back to the state after boot; None when there."""
        return workload.drain(state)

    def perform(self, state: KernelState, operation: Operation) -> tuple[KernelState, Reply]:
        """Return the state after an operation, and its reply.

        Raises:
            Unpredictable: a touch for execution of a byte that the model does not keep.
        """
        return perform(state, operation)

    def counts(self, state: KernelState) -> tuple[Count, ...]:
        """Return the number of free frames."""
        return (Count("pmm", "free frames", state.pmm.free_count),)

    def holdings(self, state: KernelState) -> Mapping[str, object]:
        """Return what is to be as after the boot: frames, tables, regions, heap nodes, tasks."""
        return {
            "pmm": state.pmm,
            "slab": state.caches,
            "paging": state.tables,
            "object": state.objects,
            "vmm": state.spaces,
            "heap": state.heap.nodes,
            "task": state.tasks,
        }

    def start(self, config: Config) -> ReferenceKernel:
        """Boot a kernel.

        Raises:
            RingbenchError: the configuration is wrong, or the kernel does not come up.
        """
        return ReferenceKernel.start(config)

    # -- running short of memory ---------------------------------------------------------------

    @property
    def cases(self) -> tuple[Case[Operation], ...]:
        """Every operation that needs memory, in situations that decide how much."""
        return ALL

    def free_units(self, state: KernelState) -> Sequence[int]:
        """Return the numbers of the free frames, ascending."""
        return shortage.free_frames(state)

    def hoard(self, state: KernelState) -> Iterator[Operation]:
        """Yield operations that take every free frame, each a whole run of them."""
        return shortage.hoard(state)

    def release(self, units: Sequence[int]) -> Iterator[Operation]:
        """Yield operations that give frames back, each a whole run of them."""
        return shortage.release(units)

    def with_free(self, state: KernelState, units: Sequence[int]) -> KernelState:
        """Return a state in which only these frames are free."""
        return shortage.with_free(state, units)

    def lacks_memory(self, reply: object) -> bool:
        """Tell whether a reply says that there is no memory; a fault has that for its cause."""
        return isinstance(reply, Reply) and shortage.lacks_memory(reply)

    def forced_failures(
        self,
        kernel: Kernel[KernelState, Operation],
        state: KernelState,
        operation: Operation,
    ) -> Iterator[ForcedFailure[KernelState, Operation]]:
        """Yield that the heap cannot grow, if it has to, and that a request to a disk fails."""
        assert isinstance(kernel, ReferenceKernel)
        yield from heap_cannot_grow(kernel, state, operation)
        yield from disk_errors(kernel, state, operation)


REFERENCE: Final[Starvable[KernelState, Operation]] = Reference()
"""The one value of it; nothing of it changes."""
