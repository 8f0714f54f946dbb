"""What of the user's own arguments for QEMU the bench has to know: what is logged, and where."""

from __future__ import annotations

import itertools
from pathlib import Path

from ringbench.machine.translations import Code, code_filter

EXCEPTIONS = "int"
RESETS = "cpu_reset"
"""What QEMU logs for the bench: a kilobyte and more for each exception or interrupt."""


def log_arguments(
    arguments: tuple[str, ...], code: tuple[Code, ...], *, exceptions: bool = True
) -> tuple[str, ...]:
    """Return what QEMU is to log: what the bench needs, and what the user's `arguments` ask for.

    QEMU heeds only the last ``-d`` that it is given.
    """
    wanted = [*((EXCEPTIONS,) if exceptions else ()), RESETS, *(("in_asm",) if code else ())]
    wanted += [item for items in values_of(arguments, "-d") for item in items.split(",")]
    return ("-d", ",".join(dict.fromkeys(wanted)), *code_filter(code))


def own_log(arguments: tuple[str, ...]) -> Path | None:
    """Return the file that the user has QEMU log to, if there is one."""
    files = values_of(arguments, "-D")
    return Path(files[-1]).absolute() if files else None


def values_of(arguments: tuple[str, ...], option: str) -> list[str]:
    """Return what follows each `option`; QEMU takes it with one dash or two."""
    pairs = itertools.pairwise(arguments)
    return [value for name, value in pairs if name in (option, f"-{option}")]


def without_option(arguments: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Return the arguments without each `option` and what follows it.

    One that nothing follows is kept: QEMU says that its argument is missing.
    """
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        is_kept = argument not in (option, f"-{option}") or next(rest, None) is None
        if is_kept:
            kept.append(argument)
    return tuple(kept)
