"""Seeded workloads: which operation to perform next, given what the model says there is.

`choose` makes operations that fit the state, `misuse` such as the kernel must refuse, `spoil` turns
a sensible one into a hostile one, `between_touches` shows whether a change was flushed, `go_far`
brings a layer to an extreme; `draw` and `draw_steps` mix them. `drain` undoes everything at the
end, so that a run can see the machine return to where it began.
"""

from ringbench.subjects.reference.workload.between_touches import between_touches
from ringbench.subjects.reference.workload.choose import choose
from ringbench.subjects.reference.workload.drain import drain
from ringbench.subjects.reference.workload.extremes import giant_nodes, go_far
from ringbench.subjects.reference.workload.misuse import misuse
from ringbench.subjects.reference.workload.mixture import EXTREME, draw, draw_steps
from ringbench.subjects.reference.workload.spoil import spoil

__all__ = [
    "EXTREME",
    "between_touches",
    "choose",
    "drain",
    "draw",
    "draw_steps",
    "giant_nodes",
    "go_far",
    "misuse",
    "spoil",
]
