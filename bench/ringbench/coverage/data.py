"""What ran, as a file that several runs add to: for each build of a kernel, ranges of addresses.

JSON, made to be compared and merged by eye as well::

    {
     "format": "ringbench kernel coverage 1",
     "builds": {"d2b45d1af217d486": [["0x100040", "0x1001e9"], ...]},
     "jumps": {"d2b45d1af217d486": {"0x10004c": 3, ...}}
    }

Of a conditional jump 1 means that it was not taken, 2 that it was, 3 both; they are there if a
plugin has recorded them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ringbench.arch.x86_64.address import ADDRESS_END
from ringbench.coverage.ranges import Range, Ranges
from ringbench.errors import CoverageError, CoverageLost, OutputError
from ringbench.files import parse_json, read_text, write_atomically

FORMAT = "ringbench kernel coverage 1"
LONGEST = 64 << 20
"""Bytes of a file: some megabytes are the ranges of a thousand builds."""


@dataclass(frozen=True, slots=True)
class Data:
    """Build of a kernel (`ringbench.machine.translations.build_id`) -> the code of it that ran.

    `jumps` has the ways of its conditional jumps, by address.
    """

    builds: Mapping[str, Ranges] = field(default_factory=dict)
    jumps: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def __or__(self, other: Data) -> Data:
        names = self.builds.keys() | other.builds.keys()
        return Data(
            {name: self.ran(name) | other.ran(name) for name in sorted(names)},
            {
                name: _either(self.went(name), other.went(name))
                for name in sorted(self.jumps.keys() | other.jumps.keys())
            },
        )

    def went(self, build: str) -> Mapping[int, int]:
        """Return the ways of a build's conditional jumps; nothing, if it is not known."""
        return self.jumps.get(build, {})

    def ran(self, build: str) -> Ranges:
        """Return what ran of a build; nothing, if it is not known."""
        return self.builds.get(build, Ranges())

    @classmethod
    def load(cls, path: Path) -> Data:
        """Read a file; one that is not there has nothing in it.

        Raises:
            CoverageError: it cannot be read, or is of another kind.
        """
        if not path.exists():
            return cls()
        text = read_text(path, "coverage of earlier runs", LONGEST, CoverageError)
        try:
            document = parse_json(text)
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r}")
            return cls(
                {
                    str(build): Ranges.of(_range(item) for item in ranges)
                    for build, ranges in document["builds"].items()
                },
                {
                    str(build): {int(address, 16): int(ways) & 3 for address, ways in jumps.items()}
                    for build, jumps in document.get("jumps", {}).items()
                },
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CoverageError(f"{path}: not a file of {FORMAT!r} ({error})") from None

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            CoverageLost: it cannot be written.
        """
        document = {
            "format": FORMAT,
            "builds": {
                build: [[hex(begin), hex(end)] for begin, end in ran.ranges]
                for build, ran in sorted(self.builds.items())
            },
            "jumps": {
                build: {hex(address): int(ways) for address, ways in sorted(jumps.items())}
                for build, jumps in sorted(self.jumps.items())
            },
        }
        try:
            write_atomically(path, json.dumps(document) + "\n")
        except OutputError as error:
            raise CoverageLost(str(error)) from None


def _either(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {at: one.get(at, 0) | other.get(at, 0) for at in one.keys() | other.keys()}


def _range(item: list[str]) -> Range:
    begin, end = (int(address, 16) for address in item)
    if not 0 <= begin <= end <= ADDRESS_END:
        raise ValueError(f"range {item}"[:100])
    return begin, end
