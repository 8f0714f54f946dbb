"""The pytest fixture that is of the reference kernel alone: its console, for operations.

A plugin of its own beside `ringbench.plugin`, whose fixture `machine` it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ringbench.machine import Machine
    from ringbench.subjects.reference.drive.console import ConsoleChannel


@pytest.fixture
def console(machine: Machine) -> ConsoleChannel:
    """The console of the booted kernel, to perform operations on."""
    from ringbench.subjects.reference.drive.console import ConsoleChannel

    return ConsoleChannel(machine.command)
