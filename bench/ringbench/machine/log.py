"""QEMU's log in a file: its end, and how it is kept from growing without bound.

A guest that takes interrupts writes 1.4 KB for each. What is asked of the log is what came last,
so the file is put aside when it is large, and the one put aside before goes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

TAIL: Final = 1 << 20
"""Bytes of a log that are read."""

LARGEST: Final = 4 << 20
"""Bytes after which a log is put aside."""


def tail(path: Path, begin: int = 0) -> str:
    """Return the end of a log, nothing of what stands before the offset `begin`."""
    text = _end(path, begin)
    if len(text) < TAIL:
        text = _end(aside(path), 0)[len(text) - TAIL :] + text
    return text.decode("utf-8", "replace")


def aside(path: Path) -> Path:
    """Return where a log is put that has become too large."""
    return path.with_name(f"{path.name}.1")


def limit(path: Path, reopen: Callable[[Path], None]) -> None:
    """Put a log aside if it is large, and have QEMU `reopen` it."""
    with suppress(OSError):
        if path.stat().st_size > LARGEST:
            os.replace(path, aside(path))
            reopen(path)


def _end(path: Path, begin: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(begin, os.fstat(file.fileno()).st_size - TAIL))
            return file.read()
    except OSError:
        return b""
