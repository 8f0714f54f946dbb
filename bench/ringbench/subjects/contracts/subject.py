"""Any kernel's allocators as a subject: what they return must keep rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from ringbench.config import Config
from ringbench.config.contracts import LAYERS, Contracts
from ringbench.drive.reply import Expectation, Reply
from ringbench.errors import ConfigError
from ringbench.subject import Case, Count, Kernel
from ringbench.subjects.contracts import draw, scarce
from ringbench.subjects.contracts.frames.operations import KINDS as FRAMES
from ringbench.subjects.contracts.frames.operations import Drain
from ringbench.subjects.contracts.heap.mistakes import KINDS as HEAP_MISTAKES
from ringbench.subjects.contracts.heap.operations import KINDS as HEAP
from ringbench.subjects.contracts.kernel import CHANNELS, ContractKernel
from ringbench.subjects.contracts.operation import Operation
from ringbench.subjects.contracts.pages.operations import KINDS as PAGES
from ringbench.subjects.contracts.regions.operations import KINDS as REGIONS
from ringbench.subjects.contracts.rule import KEPT, NONE
from ringbench.subjects.contracts.starve import can_starve, parse_any, starved
from ringbench.subjects.contracts.state import State


@dataclass(frozen=True, slots=True)
class ContractSubject:
    """The subject; `contracts` says which functions there are and how they are called."""

    contracts: Contracts
    name: str = "contracts"
    channels: tuple[str, ...] = CHANNELS
    machines: tuple[Mapping[str, str], ...] = ({},)

    @property
    def layers(self) -> tuple[str, ...]:
        """Those that the configuration describes."""
        return tuple(layer for layer in LAYERS if getattr(self.contracts, layer) is not None)

    def draw(self, random: Random, state: State, layers: Sequence[str]) -> Operation:
        """Draw an operation that a caller may ask for, mostly at an edge."""
        return draw.draw(random, state, layers, self.contracts)

    def draw_mistake(self, random: Random, state: State, layers: Sequence[str]) -> Operation:
        """Draw a mistake that the kernel promises to survive; if none, what is no mistake."""
        return draw.draw(random, state, layers, self.contracts, mistaken=True)

    def draw_steps(
        self, random: Random, state: State, layers: Sequence[str]
    ) -> Iterator[Operation]:
        """Draw one operation."""
        yield self.draw(random, state, layers)

    def plainer(self, operation: Operation) -> Iterator[Operation]:
        """Yield operations that say the same with plainer values, plainest first."""
        return operation.plainer()

    def parse(self, line: str) -> Operation:
        """Return the operation that a line says.

        Raises:
            ConfigError: it says none, or one that this kernel has no function for.
        """
        operation = parse_any(line, (*FRAMES, *PAGES, *REGIONS, *HEAP, *HEAP_MISTAKES))
        if operation.layer not in self.layers:
            raise ConfigError(f"{line!r}: the configuration has no [contracts.{operation.layer}]")
        if (missing := operation.missing(self.contracts)) is not None:
            raise ConfigError(
                f"{line!r}: the configuration has no contracts.{operation.layer}.{missing}"
            )
        return operation

    def drain(self, state: State) -> Operation | None:
        """Return a free of what was asked for last; None when nothing is held."""
        return draw.drain(state)

    def perform(self, state: State, operation: Operation) -> tuple[State, Expectation]:
        """Return what is held after an operation, and that its reply must keep the rules.

        Raises:
            Unpredictable: it is of something that is not there.
        """
        return operation.after(state), KEPT

    def counts(self, state: State) -> tuple[Count, ...]:
        """Return nothing: a kernel's own count is looked at around each call."""
        return ()

    # -- short of memory -----------------------------------------------------------------------

    def require_scarcity(self) -> None:
        """See that all frames can be taken.

        Raises:
            ConfigError: they cannot.
        """
        if not can_starve(self.contracts):
            raise ConfigError(
                "memory runs short when all frames are taken: that needs [contracts.frames], "
                "without `exhaust = false`"
            )

    @property
    def scarce_names(self) -> tuple[str, ...]:
        """One for each kind of call, small and large, of what the configuration has."""
        return tuple(scarce.cases(self.contracts))

    def scarce_case(self, name: str, state: State) -> Case[Operation]:
        """Return the case of a name."""
        return scarce.case(name, state, self.contracts)

    def with_left(self, operation: Operation, units: int) -> Operation | None:
        """Return an operation as it meets a kernel with few frames left; None if it needs none."""
        return starved(units, operation) if operation.most_frames else None

    def is_refusal(self, reply: Reply) -> bool:
        """Tell whether a reply says that there was no memory."""
        return reply.status == NONE

    def recount(self) -> Operation:
        """Return what takes all frames and gives them back."""
        return Drain(0)

    def holdings(self, state: State) -> Mapping[str, object]:
        """Return what is held, by name, layer by layer."""
        return {layer: dict(getattr(state, layer).live) for layer in self.layers}

    def start(self, config: Config) -> Kernel[State, Operation]:
        """Boot a kernel, to be closed by the caller.

        Raises:
            RingbenchError: the configuration is wrong, or the kernel does not come up.
        """
        return ContractKernel.start(config)


def described_by(config: Config) -> ContractSubject:
    """Return the subject that a configuration's tables `[contracts]` describe.

    Raises:
        ConfigError: they describe nothing.
    """
    subject = ContractSubject(config.contracts)
    if not subject.layers:
        tables = " or ".join(f"[contracts.{layer}]" for layer in LAYERS)
        raise ConfigError(
            f'{config.source}: kernel.subject is "contracts", and there is no table {tables} '
            "that says how the kernel's functions are called"
        )
    if (words := next(_contradictions(config.contracts), None)) is not None:
        raise ConfigError(f"{config.source}: {words}")
    return subject


def _contradictions(contracts: Contracts) -> Iterator[str]:
    """Yield what tables say that cannot be, each by itself or together."""
    frames, pages, heap = contracts.frames, contracts.pages, contracts.heap
    regions = contracts.regions
    if pages is not None and frames is None:
        yield (
            "[contracts.pages] needs [contracts.frames]: what is mapped are frames that the kernel "
            "gave out"
        )
    if frames is not None and frames.renames and frames.address == "virtual":
        yield (
            "contracts.frames.free: of a frame that is named by a virtual address, {frame} is all "
            "that can be given"
        )
    if heap is not None and heap.aligned is not None:
        told = "align" in heap.aligned.names
        if told == (heap.aligned_to is not None):
            yield (
                "contracts.heap.aligned: either it is told {align}, or contracts.heap.aligned_to "
                "says what it aligns to"
            )
    if regions is not None and regions.grows != ("new" in regions.free.names):
        yield "contracts.regions: {old} and {new} in both of alloc and free, or in none of them"
    if frames is None or frames.count is None or not frames.exhaust:
        for layer, calls in (("heap", heap), ("pages", pages), ("regions", regions)):
            if calls is not None and calls.undoes:
                yield (
                    f"contracts.{layer}.undoes needs contracts.frames.count, by which it is seen "
                    "what a call that is refused has kept, and frames that may be exhausted"
                )
