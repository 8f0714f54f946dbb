"""What starving found: plain values, for the report to print and for others to count."""

from __future__ import annotations

from dataclasses import dataclass

from ringbench.engine.caught import Caught


@dataclass(frozen=True, slots=True)
class Starved:
    """One operation that was made to run short.

    Attributes:
        case: the name of the case, or which of the drawn ones it was.
        operation: as a line.
        taken: units (frames) fewer after it than before, once it had succeeded.
        failed: how often it failed for want of a unit.
        forced: how often it failed because it was made to in another way: the heap could not grow.
        caught: how the kernel was seen to be wrong, if it was; the counts are then 0.
    """

    case: str
    operation: str
    taken: int = 0
    failed: int = 0
    forced: int = 0
    caught: Caught | None = None


@dataclass(frozen=True, slots=True)
class StarveResult:
    """All of them.

    Attributes:
        starved: in the order performed.
        operations: how many the kernel performed in all, those that set the scene included.
        disturbed: what came from outside, a line each; what was under way was tried once more.
        given_up: why it ended early: that was disturbed as well.
    """

    starved: tuple[Starved, ...]
    operations: int
    disturbed: tuple[str, ...] = ()
    given_up: str = ""

    def __add__(self, other: StarveResult) -> StarveResult:
        """Return both in one."""
        return StarveResult(
            self.starved + other.starved,
            self.operations + other.operations,
            self.disturbed + other.disturbed,
            self.given_up or other.given_up,
        )

    @property
    def failures_injected(self) -> int:
        """How often an operation was made to fail."""
        return sum(each.failed + each.forced for each in self.starved)

    @property
    def caught(self) -> tuple[Caught, ...]:
        """How the kernel was seen to be wrong."""
        return tuple(each.caught for each in self.starved if each.caught is not None)

    @property
    def passed(self) -> bool:
        """Whether it never was."""
        return not self.caught
