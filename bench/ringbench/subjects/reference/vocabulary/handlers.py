"""Tables of functions by the operation that each of them performs."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ringbench.subjects.reference.vocabulary.operations.base import Operation

Context = TypeVar("Context")
Result = TypeVar("Result")
OperationT = TypeVar("OperationT", bound=Operation)


class Handlers(dict[type[Operation], Callable[[Context, Any], Result]], Generic[Context, Result]):
    """Operation -> the function that performs it, which puts itself here by a decorator.

    Example:
        HANDLERS = Handlers[KernelState, Outcome]()

        @HANDLERS.performs(PmmFree)
        def pmm_free(state: KernelState, op: PmmFree) -> Outcome: ...
    """

    def performs(
        self, operation: type[OperationT]
    ) -> Callable[
        [Callable[[Context, OperationT], Result]], Callable[[Context, OperationT], Result]
    ]:
        """Return a decorator that notes a function as the one that performs an operation."""

        def note(
            function: Callable[[Context, OperationT], Result],
        ) -> Callable[[Context, OperationT], Result]:
            assert operation not in self, f"{operation.__name__} is performed already"
            self[operation] = function
            return function

        return note
