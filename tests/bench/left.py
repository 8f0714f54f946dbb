"""What is left of machines after their end: processes, files."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def left(folder: Path) -> list[str]:
    """Return what is left of machines whose temporary folder is `folder`."""
    found = subprocess.run(["pgrep", "-fa", str(folder)], capture_output=True, text=True)
    return [*found.stdout.splitlines(), *(str(path) for path in folder.iterdir())]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for it; fail if it is not so within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
