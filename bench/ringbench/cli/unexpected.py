"""What is said of an exception that nobody expected: one line, and where the traceback is."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback

LONGEST = 300
"""Characters of an exception's own text that are repeated."""


def say_unexpected(error: Exception, *, debug: bool) -> None:
    """Say in one line what happened; leave the traceback in a file, or print it with `debug`."""
    if debug:
        traceback.print_exception(error)
        where = "the traceback is above"
    else:
        where = _left_in_file(error)
    sys.stderr.write(f"ringbench: unexpected error: {summary(error)}; {where}\n")


def summary(error: Exception) -> str:
    """Return kind and first line of an exception, with nothing that a terminal would obey."""
    lines = str(error).strip().splitlines() or [""]
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in lines[0][:LONGEST])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _left_in_file(error: Exception) -> str:
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(".txt", "ringbench-error-")
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
    except (OSError, MemoryError, RecursionError) as failure:
        if name:
            os.unlink(name)
        return f"the traceback cannot be left in a file ({summary(failure)}); --debug prints it"
    return f"the traceback is in {name}; --debug prints it"
