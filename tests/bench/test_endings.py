"""Standard streams that are closed, full, abandoned or slow, and what nobody expected.

Whatever it is, the exit status means what it says: 1 is a mismatch and nothing else.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from tests.bench.attacks import abandoned, attacked, lines_of
from tests.bench.cheap import CHEAP, SMALL, cheap
from tests.bench.command import RINGBENCH
from tests.bench.left import left

pytestmark = pytest.mark.sampled

ALL = list(CHEAP)
FEW = ["frames", "pages", "replay", "run"]
"""One of each way of printing: a booted table, a table of a dump, lines, a table after a bar."""

RARE = [pytest.param(name, marks=pytest.mark.exhaustive) for name in ALL if name not in FEW]
EVERY = [*FEW, *RARE]

CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def tmp(tmp_path: Path) -> Path:
    return tmp_path / "tmp"


# --- closed at the start --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_without_any_stream_a_command_works(name: str, place: Path, tmp: Path) -> None:
    done = attacked(cheap(name, place), tmp, shell=CLOSED[-1])
    assert done.returncode == 0
    assert (done.stdout, done.stderr, left(tmp)) == ("", "", [])


@pytest.mark.parametrize("closed", CLOSED[:3])
def test_without_one_stream_a_command_works(closed: str, place: Path, tmp: Path) -> None:
    done = attacked(cheap("run", place), tmp, shell=closed)
    assert done.returncode == 0, done.stderr
    assert ("match" in done.stdout) == (closed != ">&-")
    assert left(tmp) == []


@pytest.mark.parametrize("closed", CLOSED)
def test_a_program_of_ones_own_without_streams(closed: str, tmp: Path) -> None:
    """The guest's memory is not what QEMU prints into, whoever starts the machine."""
    code = (
        "import sys; from ringbench.config import load; from ringbench.machine import Machine\n"
        "with Machine.start(load(None, {'machine.memory': '16M'})) as machine:\n"
        "    sys.exit(0 if machine.command('echo on') == 'ok' else 7)"
    )
    done = attacked([], tmp, shell=closed, program=[sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
    assert left(tmp) == []


# --- full, abandoned, slow ------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_a_full_output_is_one_line(name: str, place: Path, tmp: Path) -> None:
    done = attacked(cheap(name, place), tmp, shell=">/dev/full")
    assert done.returncode == 3, done.stderr
    [line] = lines_of(done.stderr)
    assert "standard output cannot be written" in line
    assert left(tmp) == []


@pytest.mark.parametrize("name", EVERY)
def test_an_output_that_nobody_reads_is_no_failure(name: str, place: Path, tmp: Path) -> None:
    writer = abandoned()
    try:
        done = attacked(cheap(name, place), tmp, stdout=writer)
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert lines_of(done.stderr) == []
    assert left(tmp) == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_that_nobody_reads(arguments: list[str], tmp: Path) -> None:
    writer = abandoned()
    try:
        done = attacked(arguments, tmp, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    assert attacked(arguments, tmp, shell=">/dev/full").returncode == 3


@pytest.mark.parametrize("name", EVERY)
def test_errors_that_nobody_reads_do_not_lose_the_verdict(
    name: str, place: Path, tmp: Path
) -> None:
    writer = abandoned()
    try:
        done = attacked(cheap(name, place), tmp, stderr=writer)
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert done.stdout
    assert left(tmp) == []


def test_full_errors_do_not_lose_the_verdict(tmp: Path) -> None:
    arguments = ["frames", *SMALL, "--command", "pmm alloc"]
    done = attacked(arguments, tmp, shell="2>/dev/full")
    assert done.returncode == 0
    assert "frames managed" in done.stdout
    assert attacked(["frames", "--memory", "-1"], tmp, shell="2>/dev/full").returncode == 2


def test_a_slow_reader_gets_everything(place: Path, tmp: Path) -> None:
    """A pipe that does not block its writer, as some programs leave it to their children."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    parts: list[bytes] = []
    thread = threading.Thread(target=lambda: parts.extend(iter(lambda: os.read(reader, 512), b"")))
    thread.start()
    try:
        done = attacked(["frames", *SMALL, "--ranges", "--json"], tmp, stdout=writer)
    finally:
        os.close(writer)
        thread.join()
        os.close(reader)
    assert done.returncode == 0, done.stderr
    assert b"".join(parts).endswith(b"}\n")


# --- surroundings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [{"COLUMNS": "0"}, {"COLUMNS": "x"}, {"COLUMNS": "²"}, {"COLUMNS": "9" * 30}, {"TERM": ""}],
)
def test_a_terminal_that_is_none_prints_as_ever(
    environment: dict[str, str], place: Path, tmp: Path
) -> None:
    done = attacked(cheap("pages", place), tmp, environment=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == attacked(cheap("pages", place), tmp).stdout
    assert done.stdout


def test_a_text_that_the_output_has_no_characters_for(place: Path, tmp: Path) -> None:
    odd = place / "ö\udcff.ring"
    cheap("replay", place)
    (place / "one.ring").rename(odd)
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = attacked(["replay", str(odd)], tmp, environment=ascii_only)
    assert done.returncode == 0, done.stderr
    assert "all as predicted" in done.stdout


# --- what nobody expected -------------------------------------------------------------------------

BROKEN = """
import sys
from ringbench.cli import main
from ringbench.report import pages
def broken(*arguments, **options):
    raise {error}
pages.pages_table = broken
main.main()
"""

ERRORS = [
    "TypeError('of the bench')",
    "MemoryError()",
    "RecursionError('deep')",
    "OSError(5, 'Input/output error')",
    "BrokenPipeError(32, 'Broken pipe')",
    "EOFError('early')",
    "UnicodeEncodeError('ascii', 'x', 0, 1, 'odd')",
    "ValueError('two\\nlines \\x1b[31m')",
    "AssertionError()",
    "StopIteration()",
]


@pytest.mark.parametrize("error", ERRORS)
def test_what_nobody_expected_is_one_line_and_a_file(error: str, place: Path, tmp: Path) -> None:
    program = [sys.executable, "-c", BROKEN.format(error=error)]
    done = attacked(cheap("pages", place), tmp, program=program)
    assert done.returncode == 3, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("ringbench: unexpected error: " + error.partition("(")[0])
    assert "\x1b" not in line
    [file] = tmp.iterdir()
    assert str(file) in line
    assert "Traceback" in file.read_text()
    assert error.partition("(")[0] in file.read_text()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EFBIG])
def test_a_shortage_is_one_line_and_no_mistake(number: int, place: Path, tmp: Path) -> None:
    error = f"OSError({number}, 'told by the system', 'some/file')"
    done = attacked(
        cheap("pages", place), tmp, program=[sys.executable, "-c", BROKEN.format(error=error)]
    )
    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert "told by the system: some/file" in line
    assert left(tmp) == []


def test_debug_prints_the_traceback(place: Path, tmp: Path) -> None:
    program = [sys.executable, "-c", BROKEN.format(error=ERRORS[0])]
    done = attacked(["--debug", *cheap("pages", place)], tmp, program=program)
    assert done.returncode == 3
    assert "Traceback" in done.stderr
    assert left(tmp) == []


def test_a_traceback_that_has_no_place(place: Path, tmp: Path) -> None:
    program = [sys.executable, "-c", "import tempfile; tempfile.tempdir = '/proc'\n" + BROKEN]
    program[-1] = program[-1].format(error=ERRORS[0])
    done = attacked(cheap("pages", place), tmp, program=program)
    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert "cannot be left in a file" in line


@pytest.mark.parametrize("kib", [50_000, 100_000, 200_000, 300_000])
def test_too_little_memory_is_no_mismatch(kib: int, place: Path, tmp: Path) -> None:
    program = ["/bin/sh", "-c", f'ulimit -v {kib}; exec "$@"', "sh", *RINGBENCH]
    done = attacked(cheap("run", place), tmp, program=program)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert not [name for name in left(tmp) if "ringbench-error" not in name]
