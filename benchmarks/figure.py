"""One measured number and what it is held against."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Attributes:
        name: dotted, from the general to the special; the same in every run.
        unit: what `value` counts: "instructions", "ratio", "s" and so on.
        goal: the bound, or None where there is nothing to reach.
        goal_is: whether `value` is to be at most or at least `goal`.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    goal_is: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        if self.goal_is == "at most":
            return self.value <= self.goal
        return self.value >= self.goal

    def as_json(self) -> dict[str, object]:
        """The figure as it stands in build/perf.json."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "goal": self.goal,
            "goal_is": None if self.goal is None else self.goal_is,
            "met": self.met,
        }
