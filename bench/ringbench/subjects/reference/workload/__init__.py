"""Seeded workloads: which operation to perform next, given what the model says there is.

Four parts: `choose` makes operations that fit the state, `spoil` turns some into hostile ones,
`between_touches` shows whether a change was flushed, and `drain` undoes everything at the end, so
that a run can see the machine return to where it began.
"""

from ringbench.subjects.reference.workload.choose import choose
from ringbench.subjects.reference.workload.drain import drain
from ringbench.subjects.reference.workload.spoil import spoil
from ringbench.subjects.reference.workload.stale import between_touches

__all__ = ["between_touches", "choose", "drain", "spoil"]
