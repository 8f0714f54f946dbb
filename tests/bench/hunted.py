"""A program: perform a search; print what it did and found, and a digest of all its sequences."""

import hashlib
import json
import sys

from ringbench.config import load, override
from ringbench.engine.hunt.search import search
from ringbench.engine.runner import AnyRunner, Runner
from ringbench.subjects.reference.subject import REFERENCE


def main() -> None:
    """Do it; the argument is the seed."""
    sequences: list[object] = []
    compare = Runner.compare

    def noting(self: AnyRunner, *, whole: bool = False) -> None:
        sequences.append((tuple(self.operations), whole))
        compare(self, whole=whole)

    Runner.compare = noting  # type: ignore[method-assign]
    result = search(
        REFERENCE, override(load(), {"machine.memory": "16M"}), sys.argv[1], 100, chunks=2
    )
    digest = hashlib.sha256(repr(sequences).encode()).hexdigest()
    counts = result.complete, result.sequences, result.operations, len(result.caught)
    sys.stdout.write(json.dumps([*counts, digest]))


main()
