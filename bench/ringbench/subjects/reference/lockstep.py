"""A machine with the reference kernel, and the model beside it: `Lockstep` for who has a machine.

def test_lowest_frame_first(machine):
lockstep = ReferenceLockstep(ReferenceKernel(machine))
lockstep.step(lockstep.kernel.channel("console"), PmmAlloc())
lockstep.look("after one allocation")
"""

from __future__ import annotations

from ringbench.engine.lockstep import Lockstep
from ringbench.subjects.reference.kernel import ReferenceKernel
from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.subject import REFERENCE
from ringbench.subjects.reference.vocabulary.operations.base import Operation


class ReferenceLockstep(Lockstep[KernelState, Operation]):
    """A `Lockstep` whose kernel is known to be a reference kernel: its machine can be got at."""

    kernel: ReferenceKernel

    def __init__(self, kernel: ReferenceKernel) -> None:
        super().__init__(REFERENCE, kernel)
