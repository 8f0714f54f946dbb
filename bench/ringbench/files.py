"""Files that are either as they were or as they should be, whenever one is interrupted."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ringbench.errors import ConfigError


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file under another name, then rename it.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "w") as file:
                file.write(text)
                os.fchmod(file.fileno(), mode)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
