"""Private folders, which are gone when their owner is, however the owner ends.

The path is chosen first, then a guard is told of it, then the folder is made: so there is no moment
in which it would be left.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ringbench.errors import StartError
from ringbench.machine.process import Guard

MAX_BASE: Final = 80
"""Bytes of the temporary folder's path that leave room for a socket in a folder of ours."""


@contextmanager
def guarded_folder(kind: str = "") -> Iterator[tuple[Path, Guard]]:
    """A new folder with its guard, for the time of the block; `kind` is a word for its name.

    The path is short, because the name of a Unix socket in it has room for 107 bytes.

    Raises:
        StartError: there is no place for it.
    """
    path = base_folder() / f"ringbench-{kind}{'-' if kind else ''}{os.urandom(6).hex()}"
    guard = Guard(path)
    try:
        try:
            path.mkdir(0o700)
        except OSError as error:
            raise StartError(f"{path}: cannot be made ({error.strerror}); check TMPDIR") from None
        yield path, guard
    finally:
        guard.close()


def base_folder() -> Path:
    """Return the folder for temporary ones: TMPDIR, or what the system has.

    Raises:
        StartError: there is none, or none that can be written to.
    """
    named = tempfile.tempdir or os.environ.get("TMPDIR")
    try:
        base = str(named or tempfile.gettempdir())
    except OSError as error:
        raise StartError(f"no temporary folder can be made ({error}); check TMPDIR") from None
    return Path("/tmp" if len(os.fsencode(base)) > MAX_BASE else base).absolute()
