"""Boot the mutants and write down how each is named: `python -m tests.kernels.careless [WORD...]`.

With words, only those that have one of them in their names.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.kernels.careless.kernels import built, mutants, watched
from tests.kernels.careless.table import NOTHING, Row, read, write


def main(words: list[str]) -> int:
    """Boot; return 1 if nothing was seen of one of them, or something of the right kernel."""
    with tempfile.TemporaryDirectory(prefix="careless-") as folder:
        right = built(Path(folder) / "right")
        seen = watched(right)
        for each in seen:
            click.echo("\n".join(each.lines()))
        missed = bool(seen)
        for mutant in mutants():
            if words and not any(word in mutant.name for word in words):
                continue
            row = Row.of(mutant, watched(built(Path(folder) / mutant.name, mutant, right)))
            missed = missed or row.kind == NOTHING
            click.echo(str(row))
            write([row, *(other for other in read() if other.mutant != row.mutant)])
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
