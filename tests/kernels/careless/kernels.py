"""The textbook kernel with code that uses its allocators, as it is or with one mistake."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from ringbench.config import load, override
from ringbench.errors import Ended
from ringbench.machine import Machine
from ringbench.microscope.findings import Seen
from tests.kernels.textbook.kernels import EXAMPLE, compile_in
from tests.mutants.mutant import Patch, read_patch

HERE: Final = Path(__file__).parent
BOOT_SECONDS: Final = 20.0
"""Of a kernel whose heap is broken by then, and which may hang."""


def mutants() -> list[Patch]:
    """All kernels with a mistake, by number."""
    return [read_patch(path) for path in sorted((HERE / "mutants").glob("*.patch"))]


def built(folder: Path, mutant: Patch | None = None, right: Path | None = None) -> Path:
    """Build the kernel in a folder, with a mistake; return the folder.

    With `right`, where the right one was built, only what the mutant changes is compiled.

    Raises:
        DoesNotApply: the kernel has changed under the mutant.
        DoesNotBuild: the compiler refuses it, which says why.
    """
    if right is None:
        shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("build"))
        shutil.copy(HERE / "user.c", folder)
        _replace(folder / "Makefile", "heap.o main.o", "heap.o user.o main.o")
        _replace(folder / "main.c", "_Noreturn void", "void use_all(void);\n\n_Noreturn void")
        ready = "    frames_init(at_physical(info));\n"
        _replace(folder / "main.c", ready, f"{ready}    use_all();\n")
    else:
        shutil.copytree(right, folder)
    if mutant is not None:
        mutant.apply(folder)
    compile_in(folder)
    return folder


def watched(folder: Path) -> tuple[Seen, ...]:
    """Boot the kernel in a folder with every access watched; return what was wrong."""
    changes = {"machine.watch": ["all", "unwritten"], "deadlines.boot": BOOT_SECONDS}
    with Machine.launch(override(load(folder / "ringbench.toml"), changes)) as guest:
        try:
            guest.boot()
        except Ended:  # as it may, by then
            return guest.seen()
        with guest.stopped():
            return guest.seen()


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, (file, old)
    file.write_text(text.replace(old, new))
