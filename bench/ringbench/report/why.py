"""How a run ended and why, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ringbench.errors import Ended
from ringbench.microscope.findings import Seen


def why_json(error: Ended | None, seen: Sequence[Seen] = ()) -> dict[str, Any]:
    """Return an ending with all its evidence; of a kernel that came up, `ending` is null.

    What was `seen` to be wrong with accesses to memory is there if anything was.
    """
    if error is None:
        wrong = {"watched": [asdict(each) for each in seen]} if seen else {}
        return {"ending": None, **wrong}
    explanation, ending = error.explanation, error.ending
    return {
        "ending": ending.kind.value if ending is not None else "unknown",
        "message": str(error),
        "explanation": explanation.as_json() if explanation is not None else None,
        "watched": list(error.watched),
        "last_words": list(ending.block) if ending is not None else [],
        "serial": error.serial_tail,
        "registers": error.registers,
        "reproduce": error.command,
    }
