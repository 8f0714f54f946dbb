"""How to boot a kernel and what to expect of it: `load` a file, `override` single keys."""

from ringbench.config.load import load, not_watched, override
from ringbench.config.settings import (
    Config,
    Deadlines,
    Disk,
    KernelConfig,
    MachineConfig,
    Module,
    Outcome,
    Ready,
    Step,
)
from ringbench.config.values import parse_size

__all__ = [
    "Config",
    "Deadlines",
    "Disk",
    "KernelConfig",
    "MachineConfig",
    "Module",
    "Outcome",
    "Ready",
    "Step",
    "load",
    "not_watched",
    "override",
    "parse_size",
]
