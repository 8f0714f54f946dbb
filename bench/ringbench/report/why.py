"""How a run ended and why, as plain data."""

from __future__ import annotations

from typing import Any

from ringbench.errors import Ended


def why_json(error: Ended | None) -> dict[str, Any]:
    """Return an ending with all its evidence; of a kernel that came up, `ending` is null."""
    if error is None:
        return {"ending": None}
    explanation, ending = error.explanation, error.ending
    return {
        "ending": ending.kind.value if ending is not None else "unknown",
        "message": str(error),
        "explanation": explanation.as_json() if explanation is not None else None,
        "last_words": list(ending.block) if ending is not None else [],
        "serial": error.serial_tail,
        "registers": error.registers,
        "reproduce": error.command,
    }
