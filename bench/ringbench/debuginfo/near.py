"""What a message says of a name that does not exist: the names that it may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST: Final = 3
"""Names that are offered."""


def near(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that offers the known names most like one; empty if none is."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=MOST)
    return f"; near it are {', '.join(found)}" if found else ""
