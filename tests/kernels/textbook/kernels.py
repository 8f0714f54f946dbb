"""The textbook kernel of examples/, as it is or with one mistake, built in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.mutants.mutant import Patch, read_patch
from tests.mutants.tree import DoesNotBuild
from tests.places import ROOT

EXAMPLE: Final = ROOT / "examples" / "textbook"
MUTANTS: Final = Path(__file__).parent / "mutants"
BUILD_SECONDS: Final = 120.0


def mutants() -> list[Patch]:
    """All kernels with a mistake, by number."""
    return sorted(map(read_patch, MUTANTS.glob("*.patch")), key=lambda mutant: number(mutant.name))


def number(name: str) -> int:
    """Return the number that a mutant's name begins with."""
    return int(name.partition("-")[0])


def copied(folder: Path) -> Path:
    """Copy the kernel's sources into a folder, without what was built of them."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build"))
    return folder


def built(folder: Path, mutant: Patch | None = None, right: Path | None = None) -> Path:
    """Copy the kernel into a folder, make the mistake, build it; return the folder.

    With `right`, where the right kernel was built, only what the mutant changes is compiled.

    Raises:
        DoesNotApply: the kernel has changed under the mutant.
        DoesNotBuild: the compiler refuses it, which says why.
    """
    if right is None:
        copied(folder)
    else:
        shutil.copytree(right, folder)
    if mutant is not None:
        mutant.apply(folder)
    compile_in(folder)
    return folder


def compile_in(folder: Path) -> None:
    """Compile the kernel in a folder.

    Raises:
        DoesNotBuild: the compiler refuses it, which says why.
    """
    done = subprocess.run(
        ["make", "-s", "-C", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    if done.returncode:
        raise DoesNotBuild(done.stderr.strip())
