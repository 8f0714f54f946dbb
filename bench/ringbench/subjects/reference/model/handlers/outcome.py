"""What a handler returns: the state after an operation, its status, and the reply's values."""

from ringbench.subjects.reference.model.state import KernelState
from ringbench.subjects.reference.vocabulary.status import Status

Values = tuple[int | str, ...]
Outcome = tuple[KernelState, Status, Values]
