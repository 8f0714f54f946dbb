"""Whether a kernel that tests itself passed: by how it ended, or by what it said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ringbench.config import KernelConfig, Outcome
from ringbench.ending import Ending, EndKind

Says = Callable[[str], str | None]
"""Takes a pattern, and returns the line of any output that matches it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` is what decided, for a person: "exit status 33 is kernel.passed".

    `by_test` says that it was the line of a single test.
    """

    passed: bool
    why: str
    by_test: bool = False


def judge(kernel: KernelConfig, says: Says, ending: Ending | None) -> Verdict | None:
    """Return what the configuration makes of the run so far, or None if nothing has decided.

    What fails is looked at first. A run that finished without either has failed where
    `kernel.passed` says what passing is; otherwise it has passed.
    """
    for outcome, key, passed in (
        (kernel.failed, "kernel.failed", False),
        (kernel.passed, "kernel.passed", True),
    ):
        if outcome is not None and (why := _met(outcome, says, ending)) is not None:
            return Verdict(passed, f"{why} is {key}")
    if ending is None or ending.kind is not EndKind.FINISHED:
        return None
    if kernel.passed is not None:
        return Verdict(False, f"{_how(ending)} is not kernel.passed")
    if kernel.failed is not None:
        return Verdict(True, f"{_how(ending)} is not kernel.failed")
    return None


def _met(outcome: Outcome, says: Says, ending: Ending | None) -> str | None:
    if outcome.log is not None and (line := says(outcome.log)) is not None:
        return f"{line.strip()!r}"
    if ending is None or ending.kind is not EndKind.FINISHED:
        return None
    by_exit = outcome.exit is not None and ending.exit_status == outcome.exit
    by_shutdown = outcome.shutdown and not ending.exit_status
    return _how(ending) if by_exit or by_shutdown else None


def _how(ending: Ending) -> str:
    if ending.exit_status:
        return f"exit status {ending.exit_status}"
    return ending.message.removeprefix("finished: ")


@dataclass(frozen=True, slots=True)
class TestLine:
    """A line in which a kernel says how one of its own tests went."""

    name: str
    result: str
    line: str

    __test__ = False  # no test of pytest's, for all its name

    @property
    def passed(self) -> bool:
        """Whether the result is one of the words that people use for it."""
        return (
            re.fullmatch(r"(?i)\W*(ok|okay|pass|passed|success|succeeded|1|true)\W*", self.result)
            is not None
        )

    @property
    def skipped(self) -> bool:
        """Whether the kernel left it out."""
        return re.fullmatch(r"(?i)\W*skip(ped)?\W*", self.result) is not None


def kernel_tests(pattern: str, lines: Iterable[str]) -> tuple[TestLine, ...]:
    """Return the kernel's tests, by the lines of them."""
    found = (re.search(pattern, line) for line in lines)
    return tuple(
        TestLine(match["name"].strip(), match["result"].strip(), match.string)
        for match in found
        if match
    )


def with_tests(
    kernel: KernelConfig, verdict: Verdict | None, lines: Iterable[str]
) -> Verdict | None:
    """Return the verdict of a run that is over, given the lines of single tests as well.

    One test that failed is enough for the whole to have failed, whatever the kernel makes of it.
    Where nothing but such lines can decide, there must be some.
    """
    if kernel.tests is None or (verdict is not None and not verdict.passed):
        return verdict
    tests = kernel_tests(kernel.tests, lines)
    for test in tests:
        if not test.passed and not test.skipped:
            return Verdict(False, f"{test.line.strip()!r} is no test that passed", by_test=True)
    if verdict is not None:
        return verdict
    if not tests:
        return Verdict(False, f"no line is like kernel.tests, {kernel.tests!r}")
    return Verdict(True, f"{len(tests)} tests of kernel.tests, and none failed")
