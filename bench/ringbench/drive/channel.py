"""How operations reach a kernel: whatever performs one and answers with its reply."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from ringbench.subjects.reference.operations import Operation, Reply


class Channel(ABC):
    """Performs operations: one, as each says for itself, and so many, unless it knows better."""

    @abstractmethod
    def perform(self, operation: Operation) -> Reply:
        """Perform an operation; an error of the kernel's is a reply, not an exception.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """

    def perform_many(self, operations: Iterable[Operation]) -> list[Reply]:
        """Perform operations in order.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """
        return [self.perform(operation) for operation in operations]
