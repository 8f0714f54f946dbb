"""Breaking a copy of the kernel, a line at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def build(tree: Path) -> None:
    """Make the kernel of a tree."""
    subprocess.run(["make", "-s", "all"], cwd=tree, check=True, capture_output=True, text=True)


@contextmanager
def broken(tree: Path, file: str, right: str, wrong: str) -> Iterator[None]:
    """A tree's kernel with `right` replaced by `wrong` in one file, and built; then it is put back.

    A text that is no longer in the source fails the test, so that what is replaced cannot rot.
    """
    source = tree / "kernel" / file
    text = source.read_text()
    assert right in text, f"{file} has changed: adapt what is to be replaced"
    source.write_text(text.replace(right, wrong))
    try:
        build(tree)
        yield
    finally:
        source.write_text(text)
