"""The pytest options `--kernel-cov...`: which lines of the kernel a run of tests has run.

The process that was started by hand makes a folder and names it in the environment; every
machine that is then booted with the kernel's configuration keeps its log there: in this process,
in xdist's workers, and in commands that tests run. At the end that process reads them all.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringbench.config import Config
    from ringbench.coverage.summary import FileCoverage

NAME: Final = "ringbench-kernel-coverage"
OUTPUTS: Final = ("--kernel-cov-lcov", "--kernel-cov-html", "--kernel-cov-data")


def add_options(group: pytest.OptionGroup) -> None:
    """Declare the options."""
    group.addoption(
        "--kernel-cov",
        metavar="PREFIX",
        action="append",
        nargs="?",
        const=".",
        default=[],
        help="say which lines of the kernel ran, of sources below PREFIX, from the configuration's "
        "folder (default: all; may be given more than once)",
    )
    group.addoption("--kernel-cov-lcov", metavar="FILE", help="the same as an lcov tracefile")
    group.addoption("--kernel-cov-html", metavar="DIR", help="the same as HTML, by lcov's genhtml")
    group.addoption(
        "--kernel-cov-data",
        metavar="FILE",
        help="count what ran in earlier runs with this file, and add this run to it",
    )
    group.addoption(
        "--kernel-cov-branches",
        action="store_true",
        help="record each instruction and both ways of conditional jumps, by a plugin in QEMU",
    )
    group.addoption(
        "--kernel-cov-fail-under",
        metavar="PERCENT",
        type=float,
        help="fail if less than this share of the lines ran",
    )


def configure(pytestconfig: pytest.Config, load: Callable[[], Config]) -> None:
    """Begin to take coverage, if it is asked for and this is not a worker of who takes it.

    Raises:
        pytest.UsageError: the options, the kernel or the places of the reports are wrong.
    """
    if hasattr(pytestconfig, "workerinput"):
        return
    under = pytestconfig.getoption("--kernel-cov-fail-under")
    if not pytestconfig.getoption("--kernel-cov"):
        for option in ("--kernel-cov-fail-under", "--kernel-cov-branches", *OUTPUTS):
            if pytestconfig.getoption(option) not in (None, False):
                raise pytest.UsageError(f"{option} needs --kernel-cov")
        return
    if under is not None and not 0 <= under <= 100:
        raise pytest.UsageError(f"--kernel-cov-fail-under {under:g}: not a percentage, 0 to 100")
    from ringbench.errors import RingbenchError

    try:
        taking = KernelCoverage(pytestconfig, load())
    except RingbenchError as error:
        raise pytest.UsageError(f"--kernel-cov: {error}") from None
    pytestconfig.pluginmanager.register(taking, NAME)


class KernelCoverage:
    """Takes the coverage of one run of pytest, and reports it."""

    def __init__(self, pytestconfig: pytest.Config, config: Config) -> None:
        from ringbench.config.load import BRANCHES, TRANSLATIONS
        from ringbench.coverage.data import Data
        from ringbench.coverage.recording import Recording
        from ringbench.machine.folder import guarded_folder
        from ringbench.report.lcov import require_genhtml

        self._prefixes: tuple[str, ...] = tuple(pytestconfig.getoption("--kernel-cov"))
        self._under: float | None = pytestconfig.getoption("--kernel-cov-fail-under")
        self._lcov, self._html, self._data = (
            _place(pytestconfig.getoption(option), option) for option in OUTPUTS
        )
        if self._html is not None:
            require_genhtml()
        if self._data is not None:
            Data.load(self._data)  # before the run, not after it
        self._files: tuple[FileCoverage, ...] = ()
        self._failure = ""
        stack = ExitStack()
        pytestconfig.add_cleanup(stack.close)
        self._folder, _ = stack.enter_context(guarded_folder("translations"))
        branches: bool = pytestconfig.getoption("--kernel-cov-branches")
        self._recording = Recording(config, self._folder, branches=branches)
        self._recording.require(self._prefixes)
        told = {TRANSLATIONS: str(self._folder), BRANCHES: "1" if branches else ""}
        self._before = {name: os.environ.get(name) for name in told}
        os.environ.update(told)
        pytestconfig.add_cleanup(self._restore)

    def _restore(self) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Read the logs, write the reports, and fail the run if too little ran."""
        from ringbench.errors import RingbenchError

        try:
            self._failure = self._finish()
        except RingbenchError as error:
            self._failure = str(error)
        if self._failure and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, and what is wrong."""
        from rich.console import Console

        from ringbench.report.coverage import as_table

        terminalreporter.section("coverage of the kernel")
        console = Console(
            width=terminalreporter._tw.fullwidth,
            force_terminal=terminalreporter.hasmarkup,
            no_color=not terminalreporter.hasmarkup,
        )
        with console.capture() as capture:
            console.print(as_table(self._files))
        terminalreporter.write(capture.get())
        if self._failure:
            terminalreporter.line(f"kernel coverage: {self._failure}", red=True)

    def _finish(self) -> str:
        """Measure and write; what is wrong with the result, if anything."""
        from ringbench.coverage.data import Data
        from ringbench.coverage.summary import Total
        from ringbench.report.coverage import percent

        earlier = Data()
        self._recording.new()
        if self._data is not None:
            earlier = Data.load(self._data)  # now: another run may have added to it meanwhile
        self._files = self._recording.files(self._prefixes, earlier)  # before what can fail
        if self._data is not None:
            (earlier | self._recording.data).save(self._data)
        self._write()
        total = Total.of(self._files)
        if self._under is None or total.percent >= self._under:
            return ""
        return (
            f"{percent(total)} % of the lines ran, --kernel-cov-fail-under wants {self._under:g} %"
        )

    def _write(self) -> None:
        from ringbench.files import write_atomically
        from ringbench.report.lcov import as_lcov, write_html

        root = self._recording.lines.root
        tracefile = self._lcov or self._folder / "kernel.info"
        write_atomically(tracefile, as_lcov(self._files, root))
        if self._html is not None:
            write_html(tracefile, self._html, root)


def _place(name: str | None, option: str) -> Path | None:
    """Return where a report goes, its folder made, so that a long run does not end with no place.

    Raises:
        CoverageError: it cannot be written there.
    """
    from ringbench.errors import CoverageError, OutputError
    from ringbench.files import require_place

    if name is None:
        return None
    path = Path(name).absolute()
    folder = path if option == "--kernel-cov-html" else path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CoverageError(f"{option} {name}: cannot be written ({error.strerror})") from None
    if folder != path and path.is_dir():
        raise CoverageError(f"{option} {name}: cannot be written there")
    try:
        require_place(path / "index.html" if folder == path else path)
    except OutputError as error:
        raise CoverageError(f"{option} {error}") from None
    return path
