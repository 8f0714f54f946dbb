"""Coverage in lcov's format, which editors and services read, and as HTML by lcov's own genhtml.

genhtml, because it is what everybody with coverage of C has seen, a distribution's package
without a server or a service, and reads nothing but the trace and the sources.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ringbench.coverage.summary import FileCoverage
from ringbench.errors import CoverageError

GENHTML = "genhtml"
SECONDS = 120.0


def as_lcov(files: Iterable[FileCoverage], root: Path) -> str:
    """Return a tracefile (geninfo(1), FILES); a count is 1 or 0, for how often is not known.

    With branches, if they were recorded.
    """
    records = []
    for file in files:
        records += ["TN:", f"SF:{root / file.path}"]
        records += _branches(file)
        records += [f"DA:{line},{int(line in file.ran)}" for line in sorted(file.lines)]
        records += [f"LF:{len(file.lines)}", f"LH:{len(file.ran)}", "end_of_record"]
    return "\n".join(records) + "\n"


def _branches(file: FileCoverage) -> list[str]:
    """Return the records of conditional jumps: block n of a line is its n-th, on is branch 0."""
    ways = [
        (line, number, branch, went)
        for line, jumps in sorted((file.jumps or {}).items())
        for number, went in enumerate(jumps)
        for branch in (0, 1)
    ]
    records = [
        f"BRDA:{line},{number},{branch},{went >> branch & 1 if went else '-'}"
        for line, number, branch, went in ways
    ]
    taken = sum(went >> branch & 1 for _, _, branch, went in ways)
    return [*records, f"BRF:{len(ways)}", f"BRH:{taken}"] if ways else []


def require_genhtml() -> None:
    """Find out before a run that HTML can be made of it.

    Raises:
        CoverageError: there is no genhtml.
    """
    if shutil.which(GENHTML) is None:
        raise CoverageError(f"no {GENHTML} on the PATH; install the package lcov")


def write_html(tracefile: Path, folder: Path, root: Path) -> None:
    """Have genhtml make pages in `folder` of a tracefile and the sources below `root`.

    Raises:
        CoverageError: genhtml is not there, or fails.
    """
    require_genhtml()
    command = (
        GENHTML,
        "--quiet",
        "--legend",
        "--no-function-coverage",
        "--branch-coverage",
        "--title",
        "kernel",
        "--prefix",
        str(root),
    )
    done = subprocess.run(
        [*command, "--output-directory", str(folder), str(tracefile)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise CoverageError(f"{GENHTML} failed: {done.stdout.strip()}")
