"""Hunt the mutants and write down what caught them: `python -m tests.kernels.textbook [WORD...]`.

With words, only those that have one of them in their names.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.kernels.textbook.hunt import hunt
from tests.kernels.textbook.kernels import built, mutants
from tests.kernels.textbook.table import NOT_CAUGHT, Row, read, write

SECONDS = 60.0


def main(words: list[str]) -> int:
    """Hunt; return 1 if one of them was not caught."""
    survivors = 0
    for mutant in mutants():
        if words and not any(word in mutant.name for word in words):
            continue
        with tempfile.TemporaryDirectory(prefix="textbook-") as folder:
            hunted = hunt(built(Path(folder) / "kernel", mutant), 1, SECONDS)
        survivors += not hunted.caught
        row = Row(
            mutant.name, mutant.mistake, hunted.rule or NOT_CAUGHT, hunted.calls, hunted.seconds
        )
        click.echo(f"{row}\n    {hunted.caught}")
        write([row, *(other for other in read() if other.mutant != row.mutant)])
    return min(survivors, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
