"""Mutants: the kernel with one mistake in it, written by hand or made mechanically.

A hand-written one is a patch, `hand/NN-name.patch`, whose text before the diff says the mistake in
words. A generated one replaces one line; `generated.txt` lists those that were chosen, so that the
set changes neither with the tool that made it nor with its version.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
HAND: Final = HERE / "hand"
GENERATED: Final = HERE / "generated.txt"
SURVIVORS: Final = HERE / "survivors.toml"

CLASSES: Final = ("equivalent", "not observable", "slower only", "missed")
"""What a survivor may be. Equivalent ones are no mutants; the others count as not caught."""


class DoesNotApply(Exception):
    """The kernel's source has changed under a mutant."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A hand-written mutant.

    Attributes:
        path: the patch file.
        mistake: what it gets wrong, in words.
        layers: which the mistake is in.
        files: what it changes, relative to the tree.
    """

    path: Path
    mistake: str
    layers: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        """Number and words, as the file has them."""
        return self.path.stem

    def apply(self, tree: Path) -> None:
        """Change the sources in `tree`; the context must match to the letter.

        Raises:
            DoesNotApply: it does not.
        """
        # Without the ceiling, git would look for a repository that the tree might lie in.
        environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.resolve().parent)}
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", str(self.path)],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DoesNotApply(f"{self.path.name}: {done.stderr.strip()}")


@dataclass(frozen=True, slots=True)
class Change:
    """A generated mutant: `line`, in its `occurrence`-th place in `file`, becomes `mutated`.

    `mutated` may have several lines, or be empty; none has its line end.
    """

    file: str
    occurrence: int
    line: str
    mutated: str

    @property
    def name(self) -> str:
        """The file, and a number made from all of the change."""
        text = "\0".join((self.file, str(self.occurrence), self.line, self.mutated))
        return (
            f"{self.file.removeprefix('kernel/')}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
        )

    @property
    def mistake(self) -> str:
        """Both lines."""
        return f"{self.line.strip()}  ->  {self.mutated.strip()}"

    @property
    def layers(self) -> tuple[str, ...]:
        """The folder that it is in."""
        return (self.file.split("/")[1],)

    @property
    def files(self) -> tuple[str, ...]:
        """The one that it changes."""
        return (self.file,)

    def mutate(self, text: str) -> str:
        """Return the file's text with the change in it.

        Raises:
            DoesNotApply: the line is not there.
        """
        lines = text.splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line == self.line + "\n"]
        if len(places) < self.occurrence:
            raise DoesNotApply(f"{self.file} has no line {self.line!r} any more")
        lines[places[self.occurrence - 1]] = self.mutated + "\n"
        return "".join(lines)

    def apply(self, tree: Path) -> None:
        """Change the source in `tree`.

        Raises:
            DoesNotApply: the line is not there.
        """
        path = tree / self.file
        path.write_text(self.mutate(path.read_text()))


Mutant = Patch | Change


def read_patch(path: Path) -> Patch:
    """Read a patch file's head: ``Mistake: ...`` and ``Layer: ...``, then the diff."""
    text = path.read_text()
    head = dict(re.findall(r"^(Mistake|Layer): (.+)$", text, re.MULTILINE))
    files = tuple(re.findall(r"^\+\+\+ b/(\S+)$", text, re.MULTILINE))
    return Patch(path, head["Mistake"], tuple(head["Layer"].split(", ")), files)


def hand_written() -> list[Patch]:
    """All patches, by number."""
    return [read_patch(path) for path in sorted(HAND.glob("*.patch"))]


def generated(path: Path = GENERATED) -> list[Change]:
    """The chosen generated mutants, in the order of the file."""
    return list(parse_changes(path.read_text())) if path.exists() else []


def parse_changes(text: str) -> Iterator[Change]:
    """Read what `format_changes` wrote."""
    for block in re.split(r"^(?=@ )", text, flags=re.MULTILINE)[1:]:
        head, *rest = block.splitlines()
        _, file, occurrence = head.split()
        old = [line[2:] for line in rest if line.startswith("- ")]
        new = [line[2:] for line in rest if line.startswith("+ ")]
        yield Change(file, int(occurrence), "\n".join(old), "\n".join(new))


def format_changes(changes: list[Change], comment: str) -> str:
    """Write changes as a file that a person can read and a diff shows well."""
    parts = [f"# {line}".rstrip() + "\n" for line in comment.splitlines()]
    for change in changes:
        new = "".join(f"+ {line}\n" for line in change.mutated.split("\n"))
        parts.append(f"\n@ {change.file} {change.occurrence}\n- {change.line}\n{new}")
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that the bench does not catch, and why: one of `CLASSES`, and a sentence."""

    kind: str
    reason: str


def survivors(path: Path = SURVIVORS) -> dict[tuple[str, int, str, str], Survivor]:
    """Read the list; the key is the change: file, occurrence, line, mutated line.

    Raises:
        ValueError: an entry has a class that is none.
    """
    found = {}
    for entry in tomllib.loads(path.read_text()).get("survivor", []):
        if entry["class"] not in CLASSES:
            raise ValueError(f"{path}: class {entry['class']!r} is none of {', '.join(CLASSES)}")
        key = (entry["file"], entry.get("occurrence", 1), entry["line"], entry["mutated"])
        found[key] = Survivor(entry["class"], entry["reason"])
    return found


def key_of(change: Change) -> tuple[str, int, str, str]:
    """What `survivors` knows a change by."""
    return change.file, change.occurrence, change.line, change.mutated
