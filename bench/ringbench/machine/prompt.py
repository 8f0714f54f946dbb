"""A kernel's prompt, and the reply that stands between two of them. Pure functions of text."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_PIECES = 24  # lines over which a typed line's echo can be spread, logs in between included


class Prompt:
    """An exact text or a pattern, at the end of a line that nothing follows.

    With `padded`, blanks at the end of a line are not known, as on a screen.
    """

    def __init__(self, exact: str | None, pattern: str | None, *, padded: bool = False) -> None:
        source = re.escape(exact) if exact is not None else f"(?:{pattern})"
        self.text = exact if exact is not None else pattern
        self._at_end = re.compile(source + r"\Z")
        self._at_start = re.compile(source)
        self._padding = ("", " ") if padded else ("",)

    def at_end(self, line: str) -> int | None:
        """Return where on the line the prompt at its end begins, or None."""
        for padding in self._padding:
            if found := self._at_end.search(line + padding):
                return found.start()
        return None

    def after(self, line: str) -> str | None:
        """Return what follows the prompt that the line begins with, or None."""
        found = self._at_start.match(line)
        return line[found.end() :] if found else None


def without_echo(lines: Sequence[str], typed: str, prompt: Prompt) -> list[str] | None:
    """Return the lines after the echo of what was `typed`, or None if it was not echoed.

    The echo is told from a reply by being the same text. A line editor may have written the prompt
    before it; it may be wrapped to several lines, or be torn by lines that were logged meanwhile.
    """
    if not lines:
        return None
    whole = typed.strip()
    first = lines[0]
    for begun in (first, prompt.after(first)):
        if begun is not None and begun.strip() == whole:
            return list(lines[1:])
    rest = typed
    for index, line in enumerate(lines[:MOST_PIECES]):
        piece = line if index else prompt.after(line) or line
        if piece and rest.startswith(piece):
            rest = rest[len(piece) :]
            if not rest:
                return list(lines[index + 1 :])
        elif index == 0:
            return None
    return None
