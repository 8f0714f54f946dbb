"""Whether a kernel that tests itself passed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringbench.config import KernelConfig, Outcome
from ringbench.ending import Ending, EndKind
from ringbench.machine.verdict import Verdict, judge, kernel_tests, with_tests

KERNEL = KernelConfig(elf=Path("k"), image=Path("k"))
OFF = Ending(EndKind.FINISHED, "finished: the guest switched itself off", (), 0)
EXIT = Ending(EndKind.FINISHED, "finished: the guest ended QEMU with value 16", (), 33)
CRASH = Ending(EndKind.TRIPLE_FAULT, "triple fault: x")
TESTS = r"^test (?P<name>\w+): (?P<result>\w+)"


@pytest.mark.parametrize(
    ("keys", "line", "ending", "passed"),
    [
        ({"passed": Outcome(exit=33)}, None, EXIT, True),
        ({"passed": Outcome(exit=35)}, None, EXIT, False),
        ({"failed": Outcome(exit=35)}, None, EXIT, True),
        ({"failed": Outcome(exit=33)}, None, EXIT, False),
        ({"passed": Outcome(shutdown=True)}, None, OFF, True),
        ({"passed": Outcome(shutdown=True)}, None, EXIT, False),
        ({"passed": Outcome(exit=33, log="fine")}, "fine", None, True),
        ({"passed": Outcome(exit=33), "failed": Outcome(log="bad")}, "bad", EXIT, False),
        ({"passed": Outcome(exit=33)}, None, CRASH, None),
        ({"passed": Outcome(exit=33)}, None, None, None),
        ({}, None, EXIT, None),
    ],
)
def test_what_decides(
    keys: dict[str, Any], line: str | None, ending: Ending | None, passed: bool | None
) -> None:
    kernel = replace(KERNEL, **keys)
    verdict = judge(kernel, lambda pattern: line if pattern == line else None, ending)
    assert (verdict.passed if verdict else None) is passed


def test_one_test_that_failed_is_enough() -> None:
    kernel = replace(KERNEL, tests=TESTS)
    good = ["test a: ok", "noise", "test b: PASSED", "test c: skipped"]
    assert with_tests(kernel, None, good) == Verdict(
        True, "3 tests of kernel.tests, and none failed"
    )
    for verdict in (None, Verdict(True, "exit")):
        bad = with_tests(kernel, verdict, [*good, "test d: broken"])
        assert bad == Verdict(False, "'test d: broken' is no test that passed", by_test=True)
    none = with_tests(kernel, None, ["noise"])
    assert none is not None
    assert not none.passed
    exited = Verdict(True, "exit")
    assert with_tests(kernel, exited, ["noise"]) is exited
    assert with_tests(KERNEL, None, good) is None


def test_tests_by_their_lines() -> None:
    found = kernel_tests(TESTS, ["test a: ok", "x", "test b: FAIL", "test c: SKIP"])
    assert [(each.name, each.passed, each.skipped) for each in found] == [
        ("a", True, False),
        ("b", False, False),
        ("c", False, True),
    ]
