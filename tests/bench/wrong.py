"""Breaking a copy of the kernel, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.tree import build


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mistake, said in words by its `name`: `right` replaced by `wrong` in a file of kernel/."""

    name: str
    file: str
    right: str
    wrong: str

    @property
    def id(self) -> str:
        """The name as a parameter of a test has it."""
        return self.name.replace(" ", "-")

    @contextmanager
    def built_in(self, tree: Path) -> Iterator[None]:
        """Have the kernel in a tree make the mistake, as long as a `with` lasts.

        A text that is no longer in the source fails the test, so that what is replaced cannot rot.
        """
        source = tree / "kernel" / self.file
        text = source.read_text()
        assert self.right in text, f"{self.file} has changed: adapt what is to be replaced"
        source.write_text(text.replace(self.right, self.wrong))
        try:
            build(tree)
            yield
        finally:
            source.write_text(text)
