"""The kernels that the engine knows how to test: each a subject, found by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from ringbench.config import Config
from ringbench.errors import ConfigError
from ringbench.subject import HostileBoots, Subject

SUBJECTS: Final = {"reference": "ringbench.subjects.reference.subject:REFERENCE"}
"""Name in the configuration -> module and variable; imported when it is asked for."""

DESCRIBED: Final = {"contracts": "ringbench.subjects.contracts.subject:described_by"}
"""Name in the configuration -> module and function that makes a subject of the configuration."""

HOSTILE_BOOTS: Final = {"reference": "ringbench.subjects.reference.boots.campaign:BOOTS"}
"""Name in the configuration -> module and variable of its hostile boots, where it has any."""

LOOKS: Final = {"reference": "ringbench.subjects.reference.cli"}
"""Name in the configuration -> package whose modules show a part of the kernel's state each."""


def load(config: Config) -> Subject[Any, Any]:
    """Return the subject that a configuration names: one of `SUBJECTS`, or `module:variable`.

    Raises:
        ConfigError: it names none, or one that cannot be imported.
    """
    name = config.kernel.subject
    if name is None:
        raise ConfigError(
            f"{config.source}: kernel.subject is not set: nothing is known of this kernel's "
            "operations and of where it keeps its state; `pages`, `translate` and the fixtures "
            "`machine`, `gdb` and `memory` work without"
        )
    if name in DESCRIBED:
        described: Subject[Any, Any] = _variable(config, DESCRIBED[name])(config)
        return described
    if name not in SUBJECTS and ":" not in name:
        known = ", ".join((*SUBJECTS, *DESCRIBED))
        raise ConfigError(
            f"{config.source}: kernel.subject: expected one of {known}, or `module:variable` of "
            f"a subject of your own, not {name!r}"
        )
    found: Subject[Any, Any] = _variable(config, SUBJECTS.get(name, name))
    return found


def load_boots(config: Config) -> HostileBoots:
    """Return the hostile boots of the subject that a configuration names.

    Raises:
        ConfigError: it has none, or names no subject.
    """
    subject = load(config)
    if subject.name not in HOSTILE_BOOTS:
        raise ConfigError(f"{config.source}: the subject {subject.name!r} has no hostile boots")
    found: HostileBoots = _variable(config, HOSTILE_BOOTS[subject.name])
    return found


def load_look(config: Config, part: str) -> Callable[..., int]:
    """Return what shows a part of a kernel's state, "frames", "heap" or "spaces", by its subject.

    It takes the configuration, lines for the console, whether JSON is wanted, and where to save a
    dump, or None; it returns the exit status.

    Raises:
        ConfigError: nothing is known of where this kernel keeps its state.
    """
    place = LOOKS.get(config.kernel.subject or "")
    if place is None:
        raise ConfigError(
            f"{config.source}: [layout.{part}] is missing, and kernel.subject is not "
            f"{' or '.join(map(repr, LOOKS))}, so it is not known where this kernel keeps its "
            "state; `ringbench pages` and `translate` work without"
        )
    found: Callable[..., int] = _variable(config, f"{place}.{part}:{part}")
    return found


def _variable(config: Config, place: str) -> Any:
    module, _, variable = place.partition(":")
    try:
        return getattr(importlib.import_module(module), variable)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{config.source}: kernel.subject: {place}: {error}") from None
