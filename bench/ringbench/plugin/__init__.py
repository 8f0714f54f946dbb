"""The pytest plugin: a booted kernel as a fixture, and a report that says what you would ask next.

Fixtures: `machine` (a kernel just booted to its prompt), `gdb` (the debugger, the guest stopped),
`memory` (guest-physical memory), `calls` (the kernel's functions, called by their names) and
`guest_calls` (the same in batches), `ringbench_config`. Every test that asks for `machine` gets one
as it was when it had just booted, so tests are independent of each other and of their order: one
machine of each configuration is booted, and restored before every test (`ringbench.machine.pool`).
Each xdist worker has its own, on sockets in private folders.

The options `--kernel-cov...` are declared and served by `ringbench.plugin.coverage`.

The marker `ringbench` changes the configuration for one test::

    @pytest.mark.ringbench(memory="1G", cpu="qemu64", command_line="crash=panic")
    def test_big(machine): ...

The marker `ringbench_calls` says for one test where the kernel's functions are called, and whether
interrupts are on meanwhile::

    @pytest.mark.ringbench_calls(at="idle", interrupts=True)
    def test_mutex(calls): ...
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from ringbench.plugin import coverage
from ringbench.plugin.selftests import OPTION, SelfTests

if TYPE_CHECKING:
    from ringbench.arch.x86_64.memory import PhysicalMemory
    from ringbench.config import Config
    from ringbench.drive.guest_calls import GuestCalls, KernelFunctions
    from ringbench.machine import Gdb, Machine, Pool

MARKER_KEYS: Final = {
    "elf": "kernel.elf",
    "image": "kernel.image",
    "command_line": "kernel.command_line",
    "modules": "kernel.modules",
    "memory": "machine.memory",
    "cpu": "machine.cpu",
    "smp": "machine.smp",
    "disks": "machine.disks",
    "ready": "kernel.ready",
    "firmware": "machine.firmware",
    "arguments": "machine.arguments",
    "guest_calls": "machine.guest_calls",
    "watch": "machine.watch",
    "boot_deadline": "deadlines.boot",
    "reply_deadline": "deadlines.reply",
}
"""Keyword of the marker -> key of the configuration."""

TAIL_LINES: Final = 40
ARTEFACTS: Final = pytest.StashKey[Path]()
FAILED: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, all under the plugin's own name."""
    group = parser.getgroup("ringbench", "ringbench: kernels under QEMU")
    group.addoption(
        "--ringbench-config", metavar="FILE", help="configuration (default: found upwards)"
    )
    group.addoption("--ringbench-elf", metavar="FILE", help="64-bit kernel ELF with DWARF")
    group.addoption(
        "--ringbench-image", metavar="FILE", help="what QEMU boots (default: the configuration's)"
    )
    group.addoption("--ringbench-memory", metavar="SIZE", help="guest memory, like 64M or 6G")
    group.addoption(
        "--ringbench-watch",
        metavar="NAMES",
        help="watch the kernel's memory accesses: heap, frames, translations, stacks, unwritten, "
        "all; a test fails in which one was wrong",
    )
    group.addoption(
        "--ringbench-keep",
        choices=("failed", "always", "never"),
        default="failed",
        help="whose logs to keep in the test's temporary folder (default: of failed tests)",
    )
    group.addoption(
        "--ringbench-fresh",
        action="store_true",
        help="boot a machine for every test instead of restoring one that has booted",
    )
    group.addoption(
        OPTION,
        action="store_true",
        help="boot the kernel and collect its own tests, by kernel.tests of the configuration file",
    )
    coverage.add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; begin to take coverage of the kernel."""
    config.addinivalue_line(
        "markers",
        "ringbench(memory=..., cpu=..., command_line=..., ...): configuration of this test's "
        "machine; keywords: " + ", ".join(MARKER_KEYS),
    )
    config.addinivalue_line(
        "markers",
        "ringbench_calls(at=..., interrupts=...): where `calls` and `guest_calls` are made from, a "
        "function of the kernel (default: where it is at rest), and whether with interrupts on",
    )
    coverage.configure(config, lambda: _load(config))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the kernel's own tests from the configuration file, if that is asked for.

    A file that is named to pytest itself is one, whatever it is called.
    """
    if not parent.config.getoption(OPTION) or file_path.suffix != ".toml":
        return None
    is_named = parent.session.isinitpath(file_path)
    config = _load(parent.config, file_path if is_named else None)
    if config.source != file_path:
        return None
    tests: SelfTests = SelfTests.from_parent(parent, path=file_path)
    tests.kernel = config
    return tests


@pytest.fixture(scope="session")
def ringbench_config(pytestconfig: pytest.Config) -> Config:
    """The configuration, with the command line's changes."""
    return _load(pytestconfig)


def _load(pytestconfig: pytest.Config, named: Path | None = None) -> Config:
    from ringbench.config import load

    changes = {
        "kernel.elf": pytestconfig.getoption("--ringbench-elf"),
        "kernel.image": pytestconfig.getoption("--ringbench-image"),
        "machine.memory": pytestconfig.getoption("--ringbench-memory"),
        "machine.watch": pytestconfig.getoption("--ringbench-watch"),
    }
    path = named or pytestconfig.getoption("--ringbench-config")
    return load(
        Path(path) if path else None,
        {key: value for key, value in changes.items() if value is not None},
    )


def marked_changes(item: pytest.Item) -> Mapping[str, object]:
    """What the test's markers change, the closest marker winning.

    Raises:
        pytest.UsageError: a marker has positional arguments or an unknown keyword.
    """
    changes: dict[str, object] = {}
    for marker in reversed(list(item.iter_markers("ringbench"))):
        unknown = set(marker.kwargs) - set(MARKER_KEYS)
        if marker.args or unknown:
            raise pytest.UsageError(
                f"{item.nodeid}: marker ringbench takes keywords {', '.join(MARKER_KEYS)}; "
                f"got {', '.join([*map(repr, marker.args), *sorted(unknown)])}"
            )
        changes.update({MARKER_KEYS[key]: value for key, value in marker.kwargs.items()})
    return changes


@pytest.fixture(scope="session")
def ringbench_machines(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pool]:
    """Booted machines: `ringbench_machines.lend(config)` is a context manager that gives one."""
    from ringbench.machine import Pool
    from ringbench.machine.pool import LIMIT

    limit = 0 if pytestconfig.getoption("--ringbench-fresh") else LIMIT
    with Pool(tmp_path_factory.mktemp("ringbench-machines"), limit) as pool:
        yield pool


@pytest.fixture
def machine(
    request: pytest.FixtureRequest,
    ringbench_config: Config,
    ringbench_machines: Pool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Machine]:
    """A machine as it is when it has just booted to its prompt, whatever the tests before did."""
    from ringbench.config import override

    item: pytest.Item = request.node
    folder = tmp_path_factory.mktemp(re.sub(r"\W+", "-", item.name)[:40])
    item.stash[ARTEFACTS] = folder
    called = {"machine.guest_calls": True} if "guest_calls" in request.fixturenames else {}
    config = override(ringbench_config, {**called, **marked_changes(item)})
    with ringbench_machines.lend(config, keep=folder) as booted:
        if booted.verdict is not None and not booted.verdict.passed:
            why = f"the kernel's own tests failed: {booted.verdict.why}\n{booted.boot_text}"
            pytest.fail(why, pytrace=False)
        yield booted
    keep = item.config.getoption("--ringbench-keep")
    if keep == "never" or (keep == "failed" and not item.stash.get(FAILED, False)):
        shutil.rmtree(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Have a test fail in which the kernel's accesses were wrong, as far as they are watched."""
    yield
    booted: Machine | None = getattr(item, "funcargs", {}).get("machine")
    if booted is not None and (wrong := _wrong_accesses(booted)):
        pytest.fail(wrong, pytrace=False)


def _wrong_accesses(machine: Machine) -> str:
    """Return what was wrong with a guest's accesses, as far as they are watched."""
    with machine.stopped() if machine.is_there else nullcontext():
        return "\n".join(line for each in machine.seen() for line in each.lines())


@pytest.fixture
def gdb(machine: Machine) -> Gdb:
    """GDB, attached; the guest is stopped until `gdb.continue_()`."""
    return machine.gdb


@pytest.fixture
def memory(machine: Machine) -> PhysicalMemory:
    """Guest-physical memory."""
    return machine.memory


@pytest.fixture
def guest_calls(request: pytest.FixtureRequest, machine: Machine) -> Iterator[GuestCalls]:
    """Calls of the kernel's functions in batches; meanwhile its console takes no lines."""
    from ringbench.drive.guest_calls import GuestCalls, function_address

    item: pytest.Item = request.node
    wanted = calls_wanted(item)
    at, elf = wanted.get("at"), machine.config.kernel.elf
    with GuestCalls(
        machine,
        at=None if at is None else function_address(elf, str(at), machine.slide),
        interrupts=bool(wanted.get("interrupts", False)),
    ) as calls:
        yield calls


def calls_wanted(item: pytest.Item) -> Mapping[str, object]:
    """Return what the test's marker says of how the kernel's functions are called.

    Raises:
        pytest.UsageError: it has positional arguments or an unknown keyword.
    """
    marker = item.get_closest_marker("ringbench_calls")
    if marker is None:
        return {}
    if marker.args or not set(marker.kwargs) <= {"at", "interrupts"}:
        raise pytest.UsageError(f"{item.nodeid}: marker ringbench_calls takes at and interrupts")
    return marker.kwargs


@pytest.fixture
def calls(guest_calls: GuestCalls, machine: Machine) -> KernelFunctions:
    """The kernel's functions, called by their names: `calls.kmalloc(64)`."""
    from ringbench.drive.guest_calls import KernelFunctions

    return KernelFunctions(guest_calls, machine.config.kernel.elf, machine.slide)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what one asks next: serial tail, registers, how to reproduce, the logs."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        booted: Machine | None = getattr(item, "funcargs", {}).get("machine")
        if booted is not None:
            if call.excinfo is not None:
                _add(report, _explanation(call.excinfo.value))
            _add(report, _sections(booted))
        elif call.excinfo is not None:
            _add(report, _sections_of_error(call.excinfo.value))
    return report


def _add(report: pytest.TestReport, sections: Iterator[tuple[str, str]]) -> None:
    """Add sections to what a failure is shown as, so that JUnit XML and pytest-html have them too.

    Where that is plain text, they become sections of the report, which are for the terminal.
    """
    add: Callable[[str, str], None] | None = getattr(report.longrepr, "addsection", None)
    for name, text in sections:
        if add is not None:
            add(name, text)
        else:
            report.sections.append((name, text))


def _explanation(error: BaseException) -> Iterator[tuple[str, str]]:
    """Why the guest ended, if that is what the test failed by."""
    explanation: Any = getattr(error, "explanation", None)
    if explanation is not None:
        yield "ringbench explanation", str(explanation)


def _sections(machine: Machine) -> Iterator[tuple[str, str]]:
    """The state of a machine that is still there, at the moment of the failure."""
    from ringbench.errors import RingbenchError

    yield "ringbench serial", machine.serial.tail()
    for output in machine.outputs.spoke():
        if output is not machine.serial.output:
            yield f"ringbench {output.name}", output.tail(TAIL_LINES)
    try:
        yield "ringbench registers", machine.registers()
    except RingbenchError as error:
        yield "ringbench registers", f"not to be had: {error}"
    yield "ringbench reproduce", machine.reproduce
    yield "ringbench logs", "\n".join(str(path) for path in sorted(machine.folder.iterdir()))


def _sections_of_error(error: BaseException) -> Iterator[tuple[str, str]]:
    """What a machine that never came up left in its exception."""
    details: Any = getattr(error, "details", None)
    if details is not None:
        yield "ringbench", details()
