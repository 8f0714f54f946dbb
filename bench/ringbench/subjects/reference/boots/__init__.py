"""Hostile boots: the real kernel handed over to with information that no honest loader passes.

A machine is frozen where the loader has done its work and the kernel has not begun. Each boot puts
it back there, writes a generated story into its memory in one of the two Multiboot formats, and
lets the kernel begin. It must come up with exactly the state that the model predicts from those
bytes, or stop with the panic that the model names.

    result = hunt_boots(load(), seed=1, count=100)
    assert not result.caught
"""

from ringbench.subjects.reference.boots.campaign import BootsResult, hunt_boots

__all__ = ["BootsResult", "hunt_boots"]
