"""Values about how a kernel talks and when it is ready, done, or right: rules as in `values`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ringbench.config.settings import Outcome, Ready, Step
from ringbench.config.values import Expected, pattern, seconds, text, word

OUTPUTS = ("com1", "com2", "com3", "com4", "debugcon", "vga")
INPUTS = ("serial", "keyboard")
READY = ("prompt", "quiet", "end", "nothing")
_READY_TABLES = {"log": pattern, "function": word}


def output(value: object, folder: Path) -> str:
    """The name of one output."""
    if value not in OUTPUTS:
        raise Expected(f"one of {', '.join(OUTPUTS)}")
    return str(value)


def outputs(value: object, folder: Path) -> tuple[str, ...]:
    """A list of names of outputs."""
    if not isinstance(value, list | tuple):
        raise Expected(f"a list of {', '.join(OUTPUTS)}")
    return tuple(dict.fromkeys(output(item, folder) for item in value))


def input_(value: object, folder: Path) -> str:
    """Where lines are typed."""
    if value not in INPUTS:
        raise Expected(f"one of {', '.join(INPUTS)}")
    return str(value)


def rest(value: object, folder: Path) -> float:
    """Seconds, or 0."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    try:
        return seconds(value, folder)
    except Expected as error:
        raise Expected(f"0 or {error}") from None


def ready(value: object, folder: Path) -> Ready:
    """A word, or a table of one key: ``{log = "pattern"}``, ``{function = "name"}``."""
    if isinstance(value, Ready):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        [(kind, detail)] = value.items()
        if kind in _READY_TABLES:
            return Ready(kind, _READY_TABLES[kind](detail, folder))
    elif value in READY:
        return Ready(str(value))
    raise Expected(
        f'one of {", ".join(map(repr, READY))}, {{log = "pattern"}} or {{function = "name"}}'
    )


def login(value: object, folder: Path) -> tuple[Step, ...]:
    """A list of tables with the keys `expect` and `send`."""
    if not isinstance(value, list | tuple):
        raise Expected('a list of {expect = "pattern", send = "line"}')
    steps = []
    for item in value:
        if isinstance(item, Step):
            steps.append(item)
        elif isinstance(item, Mapping) and set(item) == {"expect", "send"}:
            steps.append(Step(pattern(item["expect"], folder), text(item["send"], folder)))
        else:
            raise Expected('{expect = "pattern", send = "line"} for each step')
    return tuple(steps)


def outcome(value: object, folder: Path) -> Outcome:
    """A pattern for a line; "shutdown"; or a table of `exit`, `log` and `shutdown`."""
    if isinstance(value, Outcome):
        return value
    if value == "shutdown":
        return Outcome(shutdown=True)
    if isinstance(value, str):
        return Outcome(log=pattern(value, folder))
    if not isinstance(value, Mapping) or not value or set(value) - {"exit", "log", "shutdown"}:
        raise Expected('a pattern for a line, "shutdown", {exit = 33} or {log = "pattern"}')
    return Outcome(
        exit=_exit_status(value["exit"]) if "exit" in value else None,
        log=pattern(value["log"], folder) if "log" in value else None,
        shutdown=value.get("shutdown", False) is True,
    )


def _exit_status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 256:
        raise Expected("an exit status of QEMU from 1 to 255")
    if value % 2 == 0:
        raise Expected(
            "an odd exit status: isa-debug-exit makes 2 * value + 1 of what the kernel writes, "
            f"so that a value of {value:#x} is exit = {2 * value + 1}"
        )
    return value


def tests(value: object, folder: Path) -> str:
    """A pattern with the groups `name` and `result`."""
    source = pattern(value, folder)
    if not {"name", "result"} <= set(re.compile(source).groupindex):
        raise Expected("a pattern with the groups (?P<name>...) and (?P<result>...)")
    return source
