"""`ringbench boot`, `ringbench console` and collected tests, of a kernel that tests itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.talkers import build, configure

PATTERN = "tests = '^test (?P<name>\\w+): (?P<result>\\w+)'\n"


def run(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("keys", "status", "words"),
    [
        ("passed = {exit = 35}", 0, "passed: exit status 35 is kernel.passed"),
        ("passed = {exit = 33}", 1, "failed: exit status 35 is not kernel.passed"),
        ("failed = {log = 'FAILED'}", 1, "failed: 'test heap: FAILED' is kernel.failed"),
        ("passed = '^test swap'", 0, "passed: 'test swap: skip' is kernel.passed"),
    ],
)
def test_boot_of_a_kernel_that_tests_itself(
    tmp_path: Path, keys: str, status: int, words: str
) -> None:
    configure(tmp_path, build(tmp_path, "TESTS"), keys)
    done = run(tmp_path, "ringbench.cli.main", "boot")
    assert (done.returncode, done.stderr) == (status, "")
    assert "test frames: ok" in done.stdout
    assert words in done.stdout


def test_console_types_what_it_is_given(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TORN"), 'prompt = "> "')
    done = run(tmp_path, "ringbench.cli.main", "console", typed="hello\n")
    assert done.returncode == 0
    assert "said hello" in done.stdout


def test_the_kernels_own_tests_are_collected(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TESTS"), PATTERN + "passed = {exit = 33}")
    collect = ("pytest", "-q", "-p", "no:cacheprovider", "--ringbench-selftests", "-rA")
    done = run(tmp_path, *collect, "ringbench.toml")
    assert done.returncode == 1
    for words in (
        "PASSED ringbench.toml::frames",
        "FAILED ringbench.toml::heap - the kernel says: test heap: FAILED",
        "FAILED ringbench.toml::run - failed: exit status 35 is not kernel.passed",
        "1 passed, 1 skipped",
    ):
        assert words in done.stdout.replace("2 failed, ", "")


def test_the_fixture_fails_with_the_kernels_own_tests(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TESTS"), "passed = {exit = 33}")
    (tmp_path / "test_k.py").write_text("def test_k(machine):\n    pass\n")
    done = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "test_k.py")
    assert done.returncode == 1
    assert "the kernel's own tests failed: exit status 35 is not kernel.passed" in done.stdout
