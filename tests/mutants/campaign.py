"""Many mutants: each built in its own folder and hunted in its own process, some at a time.

Results go into a JSON file as they come, so that a campaign that was stopped goes on where it was.
A result belongs to the kernel's and the mutant's sources: another kernel, and all are run again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal

from tests.mutants import stages
from tests.mutants.mutant import Mutant
from tests.mutants.stages import Outcome
from tests.mutants.tree import DoesNotBuild, built
from tests.places import ROOT

Verdict = Literal["caught", "survived", "no mutant", "bench broke", "bench hung"]


@dataclass(frozen=True, slots=True)
class Result:
    """One mutant's row.

    Attributes:
        name: of the mutant.
        verdict: "no mutant" is one that does not build; "bench broke", "bench hung": the bench
            itself failed on it, which is no catch.
        stage: where it was caught, or what was tried last.
        check: what caught it, in one line; a traceback's end if the bench broke.
        operations: performed until then.
        seconds: from the start of its build.
    """

    name: str
    verdict: Verdict
    stage: str
    check: str
    operations: int
    seconds: float


class Hunter:
    """Runs mutants, at most `seconds` each."""

    def __init__(self, seconds: float, names: Sequence[str] = tuple(stages.STAGES)) -> None:
        self.seconds = seconds
        self.names = tuple(names)
        # A server that has imported the bench forks a process for each mutant: it starts at once.
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.mutants.stages"])

    def hunt(self, mutant: Mutant) -> Result:
        """Build it and hunt it."""
        started = time.monotonic()

        def result(verdict: Verdict, stage: str, check: str, operations: int) -> Result:
            seconds = round(time.monotonic() - started, 1)
            return Result(mutant.name, verdict, stage, check, operations, seconds)

        try:
            with built(mutant) as tree:
                outcome, ended = self.outcome_of(tree, mutant.layers)
        except DoesNotBuild as error:
            return result("no mutant", "", str(error).splitlines()[0], 0)
        stage, check, operations = outcome.stage, outcome.check, outcome.operations
        if outcome.broken:
            return result("bench broke", stage, outcome.broken.strip(), operations)
        if outcome.caught:
            return result("caught", stage, check, operations)
        return result("survived" if ended else "bench hung", stage, "", operations)

    def outcome_of(self, tree: Path, layers: Sequence[str] = ()) -> tuple[Outcome, bool]:
        """Hunt the kernel in `tree`; the last outcome, and whether the stages came to their end.

        What is most likely to catch a mistake in `layers` comes first.
        """
        names = stages.in_order(self.names, layers)
        receiving, sending = self._processes.Pipe(duplex=False)
        process = self._processes.Process(target=_child, args=(sending, tree, names))
        process.start()
        sending.close()
        outcome = Outcome("start", "", 0)
        until = time.monotonic() + self.seconds
        ended = False
        while not ended and receiving.poll(max(0.0, until - time.monotonic())):
            try:
                outcome = receiving.recv()
            except EOFError:
                ended = True
        if ended and not outcome.caught and not outcome.broken and outcome.stage != names[-1]:
            outcome = replace(outcome, broken=f"the bench's process died behind {outcome.stage!r}")
        assert process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # every QEMU of it goes as well
        process.join()
        receiving.close()
        return outcome, ended


def _child(sending: Connection, tree: Path, names: list[str]) -> None:
    os.setsid()  # so that it can be ended with all that it has started
    chosen = {name: stages.STAGES[name] for name in names}
    with contextlib.suppress(BrokenPipeError):  # whoever would listen is gone
        for outcome in stages.hunt(tree, chosen):
            sending.send(outcome)


def campaign(
    hunter: Hunter, mutants: Iterable[Mutant], jobs: int, done: Callable[[Result], None]
) -> None:
    """Run them all, `jobs` at a time, and say each result as it comes."""
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(hunter.hunt, mutant) for mutant in mutants]
        try:
            for future in as_completed(futures):
                done(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Record:
    """The JSON file: results by mutant, of one state of the kernel."""

    VERSION: Final = 1

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self._path = path
        self._kernel = kernel_digest()
        self.results: dict[str, Result] = {}
        if not fresh and path.exists():
            self.results = dict(self._read())

    def _read(self) -> Iterator[tuple[str, Result]]:
        content: dict[str, Any] = json.loads(self._path.read_text())
        if content.get("version") == self.VERSION and content.get("kernel") == self._kernel:
            for entry in content["results"]:
                yield entry["name"], Result(**entry)

    def add(self, result: Result) -> None:
        """Keep a result, and write all."""
        self.results[result.name] = result
        content = {
            "version": self.VERSION,
            "kernel": self._kernel,
            "results": [asdict(each) for each in self.results.values()],
        }
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(content, indent=1) + "\n")


def kernel_digest() -> str:
    """A number made from all of the kernel's sources."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "kernel").rglob("*.[chS]")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
