"""That a configuration is of the reference kernel, told without loading what is known of that."""

from __future__ import annotations

from typing import Final

from ringbench.config import Config
from ringbench.errors import ConfigError

NAME: Final = "reference"
"""The name of this subject in a configuration."""


def require_reference(config: Config) -> None:
    """See that a configuration is of the reference kernel, whose state can be read.

    Raises:
        ConfigError: it names another subject, or none.
    """
    if config.kernel.subject != NAME:
        raise ConfigError(
            f"{config.source}: kernel.subject is not {NAME!r}, so it is not known where "
            "this kernel keeps its state; `ringbench pages` and `translate` work without"
        )
