"""The exact figures as they were, and which of them have grown.

Another compiler makes other code, some per cent better or worse, from the same source. So the file
names the compiler that built the kernel it was taken from; under another one only growth that no
compiler explains counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elftools.elf.elffile import ELFFile

from benchmarks.figure import Figure
from ringbench.errors import RingbenchError

PATH: Final = Path(__file__).with_name("baseline.json")
ALLOWED: Final = 0.03
ALLOWED_OTHER_COMPILER: Final = 0.25


@dataclass(frozen=True, slots=True)
class Baseline:
    """Values by figure name, of a kernel that `compiler` built."""

    compiler: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """A figure that has grown by more than is allowed; `new` None: it is no longer measured."""

    name: str
    old: float
    new: float | None

    def __str__(self) -> str:
        if self.new is None:
            return f"{self.name}: was {self.old:g}, is no longer measured"
        growth = f" ({self.new / self.old - 1:+.1%})" if self.old else ""
        return f"{self.name}: was {self.old:g}, is {self.new:g}{growth}"


def compiler_of(elf: Path) -> str:
    """The compiler and its version that the first C unit of an ELF file's DWARF names."""
    with elf.open("rb") as file:
        for unit in ELFFile(file).get_dwarf_info().iter_CUs():
            producer = unit.get_top_DIE().attributes.get("DW_AT_producer")
            text = producer.value.decode() if producer else ""
            if match := re.match(r"GNU C\d+ \S+|clang version \S+", text):
                return match[0]
    return "unknown"


def load(path: Path = PATH) -> Baseline:
    """Read a baseline file.

    Raises:
        RingbenchError: there is none, or it is none.
    """
    try:
        content = json.loads(path.read_text())
        return Baseline(content["compiler"], content["values"])
    except (OSError, ValueError, KeyError) as error:
        raise RingbenchError(f"{path}: no baseline ({error}); make perf-baseline") from None


def save(figures: Iterable[Figure], compiler: str, path: Path = PATH) -> None:
    """Write a baseline file, one line a figure, so that a change of it reads well."""
    values = {figure.name: round(figure.value, 4) for figure in figures}
    path.write_text(json.dumps({"compiler": compiler, "values": values}, indent=1) + "\n")


def grown(baseline: Baseline, figures: Iterable[Figure], compiler: str) -> Iterator[Growth]:
    """Figures that are more than the baseline allows, or gone. New ones are nobody's growth."""
    allowed = ALLOWED if compiler == baseline.compiler else ALLOWED_OTHER_COMPILER
    now = {figure.name: figure.value for figure in figures}
    for name, old in baseline.values.items():
        new = now.get(name)
        if new is None or new > old * (1 + allowed):
            yield Growth(name, old, new)
