"""Reading TOML that anybody may have written: at once, in bounded memory, or refused.

Python's reader needs time with the square of the parts of a dotted key, and Python's stack for
nested values. So a file is short, the parts of its keys are counted before, and what is nested too
deep is said.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from ringbench.errors import ConfigError
from ringbench.files import read_bytes

LONGEST: Final = 1 << 20
"""Bytes of a file. The longest pyproject.toml of well-known projects are a tenth of that."""

MOST_WORK: Final = 1_000_000
"""Sum of the squares of the dots in each run of characters that could be a key: about a second."""

_MAYBE_KEY: Final = re.compile(r"""[\w \t."'-]+""")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a file says.

    Raises:
        ConfigError: it cannot be read, is not TOML, or no configuration can be like it.
    """
    data = read_bytes(path, "configuration", LONGEST)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    if sum(run[0].count(".") ** 2 for run in _MAYBE_KEY.finditer(text)) > MOST_WORK:
        raise ConfigError(f"{path}: keys with too many parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{path}: values are nested too deep") from None
    except ValueError as error:  # what is no TOML, or a number that Python refuses to read
        raise ConfigError(f"{path}: not TOML: {error}") from None
