"""A tree of its own for each mutant: the sources and what was built, so that little is compiled."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.mutants.mutant import Mutant
from tests.places import ROOT

NEEDED: Final = ("Makefile", "linker.ld", "kernel", "tools", "ringbench.toml")
BUILD_SECONDS: Final = 120.0


class DoesNotBuild(Exception):
    """The compiler refuses a mutant: it is none."""


@contextmanager
def private_tree() -> Iterator[Path]:
    """A copy of what the kernel is built from, objects included, in a folder that is then removed.

    Times of files are kept, so that make compiles what a mutant changes and no more.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        for name in NEEDED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, tree / name)
        shutil.copytree(
            ROOT / "build",
            tree / "build",
            ignore=shutil.ignore_patterns("iso*", "analyze", "*.iso", "*.json", "*.log", "*.lock"),
        )
        yield tree


def build(tree: Path, *targets: str) -> None:
    """Make the kernel there.

    Raises:
        DoesNotBuild: with the compiler's words.
    """
    done = subprocess.run(
        ["make", "-s", *(targets or ("all",))],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    if done.returncode:
        raise DoesNotBuild(done.stderr.strip())


@contextmanager
def built(mutant: Mutant) -> Iterator[Path]:
    """A private tree with the mutant in it, built.

    Raises:
        DoesNotApply: the kernel has changed under it.
        DoesNotBuild: it is no mutant.
    """
    with private_tree() as tree:
        mutant.apply(tree)
        build(tree)
        yield tree
