"""A kernel's own tests as pytest's: `--ringbench-selftests` boots it and collects their lines.

The configuration file is what is collected: each line of the log that matches `kernel.tests` is an
item of the name and result that it gives, and one more says whether the run as a whole went well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from ringbench.config import Config
    from ringbench.machine.verdict import TestLine

OPTION: Final = "--ringbench-selftests"
TAIL_LINES: Final = 40
RUN: Final = "run"
"""The name of the item that is about the whole run."""


class SelfTestFailed(Exception):
    """A test of the kernel's own failed; the text says which, and with what line."""


class Run(pytest.Item):
    """The run as a whole: it must have got to its end, and must not have failed."""

    problem: str | None = None
    evidence: str = ""
    """What is asked next: of the run, the end of its log, how to boot it by hand, and more."""

    def runtest(self) -> None:
        """Fail if the run did."""
        if self.problem is not None:
            raise SelfTestFailed(self.problem)

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """Return what went wrong, and the evidence."""
        return f"{excinfo.value}\n{self.evidence}".rstrip()

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the kernel is described, and the test's name."""
        return self.path, None, self.name


class SelfTest(Run):
    """One test of the kernel's own."""

    line: TestLine

    def runtest(self) -> None:
        """Fail, or skip, as the kernel's line says."""
        if self.line.skipped:
            pytest.skip(self.line.line)
        if not self.line.passed:
            raise SelfTestFailed(f"the kernel says: {self.line.line}")


class SelfTests(pytest.File):
    """The configuration file, whose kernel is booted to collect its tests."""

    kernel: Config

    def collect(self) -> Iterator[Run]:
        """Boot once, and give an item for each test that the kernel ran.

        Raises:
            CollectError: the configuration does not say what a test's line looks like.
        """
        pattern = self.kernel.kernel.tests
        if pattern is None:
            raise self.CollectError(
                f"{self.path}: {OPTION} needs kernel.tests, a pattern for a test's line with the "
                "groups name and result"
            )
        lines, problem, evidence = _run(self.kernel, pattern)
        seen: dict[str, int] = {}
        for line in lines:
            seen[line.name] = seen.get(line.name, 0) + 1
            name = line.name if seen[line.name] == 1 else f"{line.name}[{seen[line.name]}]"
            item = SelfTest.from_parent(self, name=name)
            item.line, item.evidence = line, evidence
            yield item
        whole = Run.from_parent(self, name=RUN)
        if problem is None and not lines:
            problem = f"no line is like kernel.tests, {pattern!r}"
        whole.problem, whole.evidence = problem, evidence
        yield whole


def _run(config: Config, pattern: str) -> tuple[tuple[TestLine, ...], str | None, str]:
    """Boot; return the kernel's tests, what was wrong with the whole if anything, the evidence."""
    from ringbench.errors import MachineError
    from ringbench.machine import Machine
    from ringbench.machine.verdict import kernel_tests

    problem, evidence = None, ""
    with Machine.launch(config) as machine:
        try:
            machine.boot()
        except MachineError as error:
            problem, evidence = str(error), error.details()
        machine.outputs.drain()
        said = [line for each in machine.outputs.spoke() for line in each.tail().split("\n")]
        verdict = machine.verdict
        if verdict is not None and not verdict.passed and not verdict.by_test:
            problem = f"failed: {verdict.why}"
        if not evidence:
            log = "\n".join(said[-TAIL_LINES:])
            evidence = f"-- end of the log\n{log}\n-- to boot it by hand\n{machine.reproduce}"
    return kernel_tests(pattern, said), problem, evidence
