"""What samples are drawn by: the same can be drawn again, another commit has others.

A sample is of wrong kernels, or of the tests that are marked `sampled`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import Final

from tests.places import ROOT

SHARE: Final = 3
"""One in so many of the tests that are marked `sampled` is in a sample."""


def seed() -> str:
    """Return RINGBENCH_SAMPLE of the environment, or the commit; empty if there is neither."""
    if chosen := os.environ.get("RINGBENCH_SAMPLE"):
        return chosen
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def is_drawn(name: str, by: str) -> bool:
    """Whether a test is in the sample that is drawn `by` a seed."""
    return hashlib.sha256(f"{by} {name}".encode()).digest()[0] % SHARE == 0
