"""How operations reach a kernel: whatever performs one and answers with its reply."""

from typing import Protocol

from ringbench.drive.operations import Operation, Reply


class Channel(Protocol):
    """Performs operations one at a time."""

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation; an error of the kernel's is a reply, not an exception.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """
        ...
