"""The `ringbench` command, as a process of its own."""

import subprocess
import sys
from pathlib import Path

from tests.places import ROOT

RINGBENCH = [sys.executable, "-m", "ringbench.cli.main"]
SECONDS = 100


def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run it to its end, in a folder, without input."""
    return subprocess.run(
        [*RINGBENCH, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
