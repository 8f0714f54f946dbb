"""What a hunt leaves in a folder, so that the next one goes on where it stopped.

    failures/*.ring      what went wrong, the smallest sequence of each cause
    failures/*.json      hostile boots that went wrong, one of each cause
    interesting/*.ring   sequences that ran kernel code which none before had
    state.json           batches done, totals, the addresses that ran

Every file is written whole or not at all, the state last: whenever a hunt is stopped, the folder
is as after one of its batches.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from ringbench.config.values import shown
from ringbench.engine.script import SUFFIX, Parse, Script, read_script
from ringbench.errors import ConfigError
from ringbench.files import read_json, write_atomically

VERSION: Final = 2
STATE: Final = "state.json"
LONGEST: Final = 256 << 20
"""Bytes of the state: ten for each batch and each address that ran, of months of hunting."""

FAILURES, INTERESTING = "failures", "interesting"


@dataclass(slots=True)
class State:
    """How far hunts have come.

    Attributes:
        kernel: the build that `covered` is of.
        operations, sequences: performed in all batches.
        batches: seed -> numbers of the batches of sequences that are done.
        covered: addresses of the code that ran.
        boots: hostile boots, in all.
        boot_batches: seed -> numbers of the batches of boots that are done.
    """

    version: int = VERSION
    kernel: str = ""
    operations: int = 0
    sequences: int = 0
    batches: dict[str, list[int]] = field(default_factory=dict)
    covered: list[int] = field(default_factory=list)
    boots: int = 0
    boot_batches: dict[str, list[int]] = field(default_factory=dict)

    def is_plain(self) -> bool:
        """Whether every value is of the type that it should be, the innermost as well."""
        new = State()
        if any(
            type(getattr(self, each.name)) is not type(getattr(new, each.name))
            for each in fields(self)
        ):
            return False
        numbers = (self.covered, *self.batches.values(), *self.boot_batches.values())
        return all(type(each) is list and set(map(type, each)) <= {int} for each in numbers)

    def done(self, seed: str, number: int) -> bool:
        """Whether a batch of sequences is done."""
        return number in self.batches.get(seed, ())


class Corpus:
    """The folder; made if it is not there. `parse` is that of the subject whose sequences it has.

    Raises:
        ConfigError: it is no folder, cannot be written to, or is of another version.
    """

    def __init__(self, folder: Path, parse: Parse) -> None:
        self.folder = folder
        self._parse = parse
        try:
            for name in (FAILURES, INTERESTING):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--corpus {folder}: cannot be used ({error.strerror})") from None
        self.state = self._read()

    def _read(self) -> State:
        path = self.folder / STATE
        if not path.exists():
            return State()
        found: Any = read_json(path, "state of a hunt", LONGEST)
        version = found.get("version") if isinstance(found, dict) else None
        if type(version) is not int or version != VERSION:
            raise ConfigError(
                f"{path}: a corpus of version {shown(version)}, this ringbench has {VERSION}; "
                "give another folder"
            )
        try:
            state = State(**found)
        except TypeError as error:
            raise ConfigError(f"{path}: not the state of a hunt ({error})") from None
        if not state.is_plain():
            raise ConfigError(f"{path}: not the state of a hunt (a value of another type)")
        return state

    def save(self) -> None:
        """Write the state.

        Raises:
            OutputError: it cannot be written.
        """
        write_atomically(self.folder / STATE, json.dumps(asdict(self.state)) + "\n")

    def scripts(self) -> Iterator[Script]:
        """All sequences that are kept, failures first.

        Raises:
            ConfigError: a file is none.
        """
        for name in (FAILURES, INTERESTING):
            for path in sorted((self.folder / name).glob(f"*{SUFFIX}")):
                yield read_script(path, self._parse)

    def keep_failure(self, key: str, script: Script) -> tuple[Path, bool]:
        """Keep a failing sequence, unless there is as short a one; its file, and whether it is new.

        Raises:
            OutputError: it cannot be written.
        """
        path = self.folder / FAILURES / f"{_name(key)}{SUFFIX}"
        known = path.exists()
        if not known or len(read_script(path, self._parse).operations) > len(script.operations):
            script.write(path)
        return path, not known

    def keep_boot(self, key: str, story: str) -> tuple[Path, bool]:
        """Keep a boot that went wrong, a loader's story as JSON; its file, and whether it is new.

        Raises:
            OutputError: it cannot be written.
        """
        path = self.folder / FAILURES / f"{_name(key)}.json"
        known = path.exists()
        if not known:
            write_atomically(path, story)
        return path, not known

    def keep_interesting(self, scripts: Iterable[Script]) -> None:
        """Keep sequences that ran new code.

        Raises:
            OutputError: one cannot be written.
        """
        for script in scripts:
            digest = hashlib.sha256(script.text().encode()).hexdigest()[:12]
            script.write(self.folder / INTERESTING / f"{digest}{SUFFIX}")


def _name(key: str) -> str:
    """A file's name for a cause: some of its words, and a hash of all."""
    words = re.sub("[^a-z_]+", "-", key.lower()).strip("-")[:48].strip("-")
    return f"{words}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
