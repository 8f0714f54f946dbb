"""What keeps coverage from being had."""

from ringbench.errors import RingbenchError


class CoverageError(RingbenchError):
    """Coverage cannot be had: the text says why, and what to do."""

    exit_code = 2
