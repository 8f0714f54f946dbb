"""Seeded workloads: which operation to perform next, given what the model says there is.

Four parts: `choose` makes operations that fit the state, `spoil` turns some into hostile ones,
`between_touches` shows whether a change was flushed, and `drain` undoes everything at the end, so
that a run can see the machine return to where it began.
"""

from ringbench.workload.choose import choose
from ringbench.workload.drain import drain
from ringbench.workload.spoil import spoil
from ringbench.workload.stale import between_touches

__all__ = ["between_touches", "choose", "drain", "spoil"]
