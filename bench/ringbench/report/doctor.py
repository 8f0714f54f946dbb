"""What this machine can do: lines for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ringbench.machine.doctor import Examination, Tool


def doctor_lines(examination: Examination) -> Iterator[str]:
    """Yield a line for each tool, then one for each thing that works or does not, and why not."""
    for tool in examination.tools:
        yield f"{tool.name:12}{_where(tool)}"
    yield ""
    for ability in examination.abilities:
        yield f"{'no ' if ability.lacks else 'yes'}  {ability.what}"
        if ability.lacks:
            yield f"     {ability.lacks}"
    other = next((tool.where for tool in examination.tools if tool.name == "newer QEMU"), None)
    if other is not None:
        yield ""
        yield f'The newer QEMU is used with machine.qemu = "{other}", or RINGBENCH_QEMU.'


def doctor_json(examination: Examination) -> dict[str, Any]:
    """Return the same as data."""
    return asdict(examination)


def _where(tool: Tool) -> str:
    return f"{tool.where}: {tool.said}" if tool.where else f"none: {tool.said}"
