"""How to boot a kernel and what to expect of it: `load` a file, `override` single keys."""

from ringbench.config.load import load, override
from ringbench.config.settings import Config, Deadlines, KernelConfig, MachineConfig, Module
from ringbench.config.values import parse_size

__all__ = [
    "Config",
    "Deadlines",
    "KernelConfig",
    "MachineConfig",
    "Module",
    "load",
    "override",
    "parse_size",
]
