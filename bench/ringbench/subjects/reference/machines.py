"""The machines that the batches of a hunt take in turn: memory of some sizes, some processors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MACHINES: Final[tuple[Mapping[str, str], ...]] = (
    {"memory": "16M"},
    {"memory": "64M"},
    {"memory": "16M", "cpu": "qemu64"},
    {"memory": "24M", "modules": "3"},
    {"memory": "16M", "disks": "data:build/data.tar,swap:4M"},
    {"memory": "16M", "cpu": "max,-pdpe1gb"},
    {"memory": "48M", "split": "24M"},
    {"memory": "16M", "cpu": "max,phys-bits=36"},
    {"memory": "20M", "cpu": "max,phys-bits=52"},
    {"memory": "9G", "split": "24M"},
)
"""Each is the words of a script's machine (`ringbench.engine.script`)."""
