"""What a test can wait for on a guest's outputs, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

Awaited = str | re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of several things that were awaited.

    `index` says which it was, `output` where it came, `before` is what stood before it, and `text`
    is the text itself. `match` has the groups of a pattern. At the end of the run, `index` is the
    number of patterns, and all that was said is in `before`.
    """

    index: int
    output: str
    before: str
    text: str = ""
    match: re.Match[str] | None = None

    @property
    def ended(self) -> bool:
        """Whether the run came to its end instead."""
        return self.match is None
