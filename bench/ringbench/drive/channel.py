"""How operations reach a kernel, whatever they are: what performs them and brings their replies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from ringbench.drive.reply import Reply


class AnyOperation(Protocol):
    """One thing that a kernel can be asked to do: an immutable value, equal to its equals.

    Which operations there are is a subject's business; all else knows of them what is said here.

    `str` gives a line that a person can read, and that the subject's `parse` makes an operation of.
    """

    @property
    def layer(self) -> str:
        """The layer of the kernel whose row it is counted in."""
        ...

    def __str__(self) -> str: ...


OperationT = TypeVar("OperationT", bound=AnyOperation, contravariant=True)


class Channel(ABC, Generic[OperationT]):
    """Performs operations; a context manager, in whose block the kernel serves the channel.

    There is one way through it: `submit` hands operations over, `collect` fetches their replies.
    A channel whose kernel works by itself in between overrides both, and says in `batch` how many
    operations are worth handing over at a time. For any other, `perform` is all there is to write.

    Attributes:
        batch: operations that one `submit` takes at most.
    """

    batch: int = 1

    def __init__(self) -> None:
        self._replies: list[Reply] = []

    def __enter__(self) -> Self:
        """Have the kernel serve the channel."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Have the kernel go on with what it did before."""

    def supports(self, operation: OperationT) -> bool:
        """Tell whether the channel can perform an operation."""
        return True

    @abstractmethod
    def perform(self, operation: OperationT) -> Reply:
        """Perform an operation; an error of the kernel's is a reply, not an exception.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """

    def submit(self, operations: Sequence[OperationT]) -> None:
        """Hand operations over, no more than `batch`, to be performed in order.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """
        self._replies = [self.perform(operation) for operation in operations]

    def collect(self) -> list[Reply]:
        """Return the replies to what was handed over last, once all of it has been performed.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """
        replies, self._replies = self._replies, []
        return replies

    def perform_many(self, operations: Sequence[OperationT]) -> list[Reply]:
        """Perform operations in order, `batch` at a time.

        Raises:
            RingbenchError: the kernel ended or did not answer.
        """
        replies: list[Reply] = []
        for start in range(0, len(operations), self.batch):
            self.submit(operations[start : start + self.batch])
            replies += self.collect()
        return replies
