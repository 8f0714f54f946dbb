"""What ran, as a file that several runs add to: for each build of a kernel, ranges of addresses.

JSON, made to be compared and merged by eye as well::

    {
     "format": "ringbench kernel coverage 1",
     "builds": {"d2b45d1af217d486": [["0x100040", "0x1001e9"], ...]}
    }
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringbench.coverage.ranges import Range, Ranges
from ringbench.errors import CoverageError

FORMAT = "ringbench kernel coverage 1"


@dataclass(frozen=True, slots=True)
class Data:
    """Build of a kernel (`ringbench.machine.translations.build_id`) -> the code of it that ran."""

    builds: Mapping[str, Ranges] = field(default_factory=dict)

    def __or__(self, other: Data) -> Data:
        names = self.builds.keys() | other.builds.keys()
        return Data({name: self.ran(name) | other.ran(name) for name in sorted(names)})

    def ran(self, build: str) -> Ranges:
        """Return what ran of a build; nothing, if it is not known."""
        return self.builds.get(build, Ranges())

    @classmethod
    def load(cls, path: Path) -> Data:
        """Read a file; one that is not there has nothing in it.

        Raises:
            CoverageError: it cannot be read, or is of another kind.
        """
        try:
            document = json.loads(path.read_bytes())
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r}")
            return cls(
                {
                    str(build): Ranges.of(_range(item) for item in ranges)
                    for build, ranges in document["builds"].items()
                }
            )
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise CoverageError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CoverageError(f"{path}: not a file of {FORMAT!r} ({error})") from None

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            CoverageError: it cannot be written.
        """
        document = {
            "format": FORMAT,
            "builds": {
                build: [[hex(begin), hex(end)] for begin, end in ran.ranges]
                for build, ran in sorted(self.builds.items())
            },
        }
        try:
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
                file.write(json.dumps(document) + "\n")
            os.replace(file.name, path)
        except OSError as error:
            raise CoverageError(f"{path}: cannot be written ({error.strerror})") from None


def _range(item: list[str]) -> Range:
    begin, end = (int(address, 16) for address in item)
    return begin, end
