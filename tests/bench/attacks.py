"""The command attacked from outside, with its temporary files in a folder of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.command import RINGBENCH, SECONDS
from tests.places import ROOT


def attacked(
    arguments: Sequence[str],
    tmp: Path,
    *,
    shell: str = "",
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = RINGBENCH,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run the command below a shell that does things to its streams: `shell` is redirections."""
    tmp.mkdir(exist_ok=True)
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *program, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(tmp), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def abandoned() -> int:
    """Return the writing end of a pipe that nobody reads; the caller closes it."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def lines_of(text: str) -> list[str]:
    """Lines with something on them: a progress bar leaves an empty one without a terminal."""
    return [line for line in text.splitlines() if line.strip()]
