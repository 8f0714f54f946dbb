"""Seeded workloads: which operation to perform next, given what the model says there is.

Three parts: `choose` makes operations that fit the state, `spoil` turns some into hostile ones, and
`drain` undoes everything at the end, so that a run can see the machine return to where it began.
"""

from ringbench.workload.choose import choose
from ringbench.workload.drain import drain
from ringbench.workload.spoil import spoil

__all__ = ["choose", "drain", "spoil"]
