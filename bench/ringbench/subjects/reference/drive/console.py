"""Operations over the kernel's monitor: a line out, a reply in."""

from collections.abc import Callable

from ringbench.drive.channel import Channel
from ringbench.subjects.reference.drive.console_text import monitor_line, parse_reply
from ringbench.subjects.reference.operations import Operation, Reply


class MonitorChannel(Channel):
    """Performs operations through a function that sends a line and returns the reply's text.

    Example:
        MonitorChannel(machine.command).perform(PmmAlloc())
    """

    def __init__(self, command: Callable[[str], str]) -> None:
        self._command = command

    def perform(self, operation: Operation) -> Reply:
        """Perform an operation.

        Raises:
            MalformedReply: the answer is not in the monitor's grammar.
            RingbenchError: whatever `command` raises.
        """
        return parse_reply(operation, self._command(monitor_line(operation)))
