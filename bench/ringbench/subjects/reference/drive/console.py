"""Operations over the kernel's console: a line out, a reply in."""

from collections.abc import Callable

from ringbench.drive.channel import Channel
from ringbench.drive.reply import Reply
from ringbench.subjects.reference.drive.console_lines import parse_reply
from ringbench.subjects.reference.vocabulary.operations.base import Operation


class ConsoleChannel(Channel[Operation]):
    """Performs operations through a function that sends a line and returns the reply's text.

    Example:
        ConsoleChannel(machine.command).perform(PmmAlloc())
    """

    def __init__(self, command: Callable[[str], str]) -> None:
        super().__init__()
        self._command = command

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation.

        Raises:
            MalformedReply: the answer is not in the console's grammar.
            RingbenchError: whatever `command` raises.
        """
        return parse_reply(operation, self._command(str(operation)))
