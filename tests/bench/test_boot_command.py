"""`ringbench boot`, `ringbench console` and collected tests, of a kernel that tests itself."""

import sys
from pathlib import Path

import pexpect
import pytest

from tests.bench.talkers import build, configure, run

PATTERN = "tests = '^test (?P<name>\\w+): (?P<result>\\w+)'\n"


@pytest.mark.parametrize(
    ("keys", "status", "words"),
    [
        ("passed = {exit = 35}", 0, "passed: exit status 35 is kernel.passed"),
        ("passed = {exit = 33}", 1, "failed: exit status 35 is not kernel.passed"),
        ("failed = {log = 'FAILED'}", 1, "failed: 'test heap: FAILED' is kernel.failed"),
        ("passed = '^test swap'", 0, "passed: 'test swap: skip' is kernel.passed"),
        (PATTERN + "passed = {exit = 35}", 1, "failed: 'test heap: FAILED' is no test that passed"),
        (PATTERN.replace("test ", "absent "), 1, "failed: no line is like kernel.tests"),
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


def test_boot_of_a_kernel_whose_end_decides_nothing(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TESTS"), "")
    file = tmp_path / "ringbench.toml"
    device = "[machine]\narguments = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4']\n"
    file.write_text(file.read_text() + device)
    done = run(tmp_path, "ringbench.cli.main", "boot")
    assert done.returncode == 3
    assert "set kernel.passed = {exit = 35}" in done.stderr


def test_boot_of_a_kernel_that_is_done_and_halts(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "LOG"), "")
    done = run(tmp_path, "ringbench.cli.main", "boot")
    assert (done.returncode, done.stderr) == (0, "")
    assert "[debugcon] log: done" in done.stdout
    assert "ringbench: halted: every processor" in done.stdout


def test_an_image_of_no_known_form(tmp_path: Path) -> None:
    (tmp_path / "k.vmdk").write_bytes(b"KDMV" * 200)
    (tmp_path / "ringbench.toml").write_text('[kernel]\nimage = "k.vmdk"\n')
    done = run(tmp_path, "ringbench.cli.main", "boot")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    for form in ("Multiboot 1", "PVH", ".iso", "raw or qcow2", ".efi", "EFI/BOOT/BOOTX64.EFI"):
        assert form in line


def test_console_types_what_it_is_given(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TORN"), 'prompt = "> "')
    done = run(tmp_path, "ringbench.cli.main", "console", typed="hello\n")
    assert done.returncode == 0
    assert "said hello" in done.stdout


def test_console_on_a_terminal(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TORN"), 'prompt = "> "')
    command = ["-m", "ringbench.cli.main", "console"]
    terminal = pexpect.spawn(sys.executable, command, cwd=tmp_path, encoding="utf-8", timeout=60)
    try:
        terminal.expect_exact("ok > ")
        terminal.send("hello\n")
        terminal.expect_exact("said hello")
        terminal.send("\x01\x01\n")  # typed once
        terminal.expect_exact("said \x01")
        terminal.send("\x01x")
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 0


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


def test_a_configuration_under_another_name_is_collected(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TESTS"), PATTERN)
    (tmp_path / "ringbench.toml").rename(tmp_path / "tests.toml")
    collect = ("pytest", "-q", "-p", "no:cacheprovider", "--ringbench-selftests", "-rA")
    done = run(tmp_path, *collect, "tests.toml")
    assert "PASSED tests.toml::frames" in done.stdout
    assert "FAILED tests.toml::heap" in done.stdout


def test_the_fixture_fails_with_the_kernels_own_tests(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TESTS"), "passed = {exit = 33}")
    (tmp_path / "test_k.py").write_text("def test_k(machine):\n    pass\n")
    done = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", "test_k.py")
    assert done.returncode == 1
    assert "the kernel's own tests failed: exit status 35 is not kernel.passed" in done.stdout
