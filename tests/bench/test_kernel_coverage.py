"""Coverage of a kernel that is not instrumented: which lines ran, from QEMU's log."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.config import Config, load, override
from ringbench.config.load import TRANSLATIONS
from ringbench.coverage.data import Data
from ringbench.coverage.lines import Lines
from ringbench.coverage.log import TranslationLogs
from ringbench.coverage.ranges import Ranges
from ringbench.coverage.recording import record
from ringbench.coverage.summary import FileCoverage, measure
from ringbench.errors import CoverageError, Ended, StartError
from ringbench.machine import EndKind, Machine
from ringbench.machine.translations import build_id
from ringbench.report.lcov import as_lcov, write_html
from tests.places import ROOT

pytestmark = pytest.mark.sampled

pytest_plugins = ["pytester"]

KernelConfigs = Callable[..., Config]

ELF = ROOT / "build/kernel.elf"
ECHO = "tests/bench/kernels/echo.c"

# --- a kernel of which every line is known ------------------------------------------------------

NOT_AT_A_GREETING = """\
}
__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
return a + b;
}
return value > 9 ? MOOD_BAD : MOOD_GOOD;
}
return -value;
}
return (void *)(UINT64_C(0xffff800000000000) + offset);
}
counter = counter + 1;
}
for (;;) {
__asm__ volatile("cli; hlt");
__asm__ volatile("lidt %0; int3" ::"m"(none));
}
tick();
print("ok\\r\\n");
print("one\\r\\ntwo\\r\\n");
for (int i = 0; i < 2000; i++) {
print("0123456789 ring> 0123456789\\r\\n");
echoing = 0;
print("ok\\r\\n");
print("!! panic asked for\\r\\n  at echo.c\\r\\n!! end\\r\\n");
halt();
print("!! panic cut sho");
halt();
print("!! exception 14\\r\\n  cr2 0x1234\\r\\n!! end\\r\\n");
halt();
for (;;) {
halt();
halt();
""".splitlines()
"""The lines of echo.c that are left, in order, once it has said hello."""


class Echo:
    """The test kernel's coverage, while it runs."""

    def __init__(self, config: Config, folder: Path) -> None:
        changes: dict[str, object] = {"machine.translations": folder, "machine.branches": False}
        self.config = override(config, changes)
        self.logs = TranslationLogs(folder, config.kernel.elf)
        self.lines = Lines.load(config.kernel.elf, ROOT)

    def files(self) -> dict[str, FileCoverage]:
        self.logs.new()
        ran = Ranges.of_instructions(self.logs.ran.lengths)
        return {file.path: file for file in measure(self.lines, ran)}

    def missing(self) -> dict[int, str]:
        """Lines of echo.c that have not run, without their indentation."""
        file = self.files()[ECHO]
        text = (ROOT / ECHO).read_text().splitlines()
        return {line: text[line - 1].strip() for line in sorted(file.lines - file.ran)}


@pytest.fixture
def echo(kernels: KernelConfigs, tmp_path: Path) -> Echo:
    return Echo(kernels("echo"), tmp_path / "translations")


def test_exactly_the_lines_that_ran(echo: Echo) -> None:
    """Also those that run by a call of GDB's, and those before paging is on."""
    with Machine.start(echo.config) as machine:
        assert machine.command("hello") == "said hello"
        before = echo.missing()
        assert list(before.values()) == NOT_AT_A_GREETING
        assert machine.command("hello") == "said hello"
        assert echo.logs.new() == set(), "what ran before is not new"
        machine.command("tick")
        after = echo.missing()
        assert [before[line] for line in sorted(before.keys() - after.keys())] == [
            *("counter = counter + 1;", "}", "tick();", r'print("ok\r\n");')
        ]
        assert machine.gdb.call("add", 3, 4) == 7
        called = echo.missing()
        assert [after[line] for line in sorted(after.keys() - called.keys())] == [
            "return a + b;",
            "}",
        ]
    boot = echo.files()["tests/bench/kernels/echo_boot.S"]
    text = (ROOT / boot.path).read_text().splitlines()
    assert [text[line - 1].split()[0] for line in sorted(boot.lines - boot.ran)] == [
        *("cli", "hlt", "jmp")
    ]
    assert len(boot.ran) > 20


def test_one_log_for_a_machine_that_is_restored(echo: Echo, tmp_path: Path) -> None:
    """What ran before counts, but how the machine ended before does not."""
    with Machine.start(echo.config, tmp_path / "first") as machine:
        snapshot = machine.freeze()
        machine.command("tick")
        with pytest.raises(Ended) as caught:
            machine.command("triple")
        assert caught.value.ending is not None
        assert caught.value.ending.kind is EndKind.TRIPLE_FAULT
        machine.restore(snapshot, tmp_path / "second")
        with pytest.raises(Ended) as caught:
            machine.command("reset")
        assert caught.value.ending is not None
        assert caught.value.ending.kind is EndKind.RESET
        [log] = (tmp_path / "translations").iterdir()
        for folder in ("first", "second"):
            assert (tmp_path / folder / "qemu.log").samefile(log)
    missing = echo.missing().values()
    for text in ("tick();", '__asm__ volatile("lidt %0; int3" ::"m"(none));'):
        assert text not in missing


def test_restored_machines_log_what_they_run_anew(echo: Echo) -> None:
    with Machine.start(echo.config) as machine:
        snapshot = machine.freeze()
        echo.logs.new()
        machine.restore(snapshot)
        machine.command("tick")
        assert machine.gdb.symbol("tick") in echo.logs.new()


def test_folder_for_the_logs_that_cannot_be(echo: Echo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    changes: dict[str, object] = {"machine.translations": tmp_path / "file"}
    config = override(echo.config, changes | {"machine.branches": False})
    with pytest.raises(StartError, match="log of translated code cannot be kept there"):
        Machine.launch(config)


def test_the_environment_names_the_folder_for_all_configurations(
    echo: Echo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes: dict[str, object] = {"kernel.elf": ELF, "kernel.prompt": "> "}
    source = echo.config.source
    monkeypatch.delenv(TRANSLATIONS, raising=False)
    assert load(source, changes).machine.translations is None
    monkeypatch.setenv(TRANSLATIONS, str(tmp_path))
    assert load(source, changes).machine.translations == tmp_path
    named = load(source, changes | {"machine.translations": tmp_path / "named"})
    assert named.machine.translations == tmp_path / "named"


def test_a_recording_of_some_machines(echo: Echo, tmp_path: Path) -> None:
    """What was read of the logs does not stay on the disk, where that can be."""
    with record(echo.config, discard=True) as recording:
        with Machine.start(recording.config) as machine:
            booted = recording.new()
            assert machine.gdb.symbol("tick") not in booted
            machine.detach_gdb()
            snapshot = machine.freeze()
            for _ in range(20):
                machine.restore(snapshot)
                machine.command("tick")
                recording.new()
            folder = recording.config.machine.translations
            assert folder is not None
            [log] = folder.iterdir()
            assert log.stat().st_size > 40_000
            assert log.stat().st_blocks * 512 <= 8192
            with pytest.raises(Ended) as caught:
                machine.command("triple")
            assert caught.value.ending is not None
            assert caught.value.ending.kind is EndKind.TRIPLE_FAULT
        source = str(ROOT / ECHO)  # whole, for the configuration lies elsewhere
        [file] = recording.files([source])
        assert file.path == source
        assert len(file.ran) > 30
        with pytest.raises(CoverageError, match="no source of the kernel with code is below 'x'"):
            recording.require([source, "x"])
    assert not folder.exists()


# --- HTML ----------------------------------------------------------------------------------------


def test_html_by_genhtml(echo: Echo, tmp_path: Path) -> None:
    if shutil.which("genhtml") is None:
        pytest.skip("no genhtml: `make coverage` installs it")
    tracefile = tmp_path / "kernel.info"
    tracefile.write_text(as_lcov(echo.files().values(), ROOT))
    write_html(tracefile, tmp_path / "html", ROOT)
    page = (tmp_path / "html/tests/bench/kernels/echo.c.gcov.html").read_text()
    assert "counter = counter + 1;" in page
    assert "echo.c" in (tmp_path / "html/tests/bench/kernels/index.html").read_text()


@pytest.fixture
def fake_genhtml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "bin/genhtml"
    script.parent.mkdir()
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    return script


def test_genhtml_that_fails_is_quoted(fake_genhtml: Path, tmp_path: Path) -> None:
    fake_genhtml.write_text("#!/bin/sh\necho no such source >&2\nexit 2\n")
    fake_genhtml.chmod(0o755)
    with pytest.raises(CoverageError, match="genhtml failed: no such source"):
        write_html(tmp_path / "kernel.info", tmp_path / "html", ROOT)


# --- the plugin ----------------------------------------------------------------------------------


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for the inner tests, with this project's configuration."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeini(f"[pytest]\naddopts = --ringbench-config={ROOT / 'ringbench.toml'}\n")
    return pytester


def ran(tracefile: Path, source: str, text: str) -> list[bool]:
    """Whether each of the lines with this text ran, as the tracefile has it."""
    [record] = [
        record
        for record in tracefile.read_text().split("end_of_record\n")
        if f"SF:{ROOT / source}\n" in record
    ]
    counts = [line[3:].split(",") for line in record.splitlines() if line.startswith("DA:")]
    sources = (ROOT / source).read_text().splitlines()
    return [count == "1" for line, count in counts if text in sources[int(line) - 1]]


def test_workers_commands_and_earlier_runs_add_up(inner: pytest.Pytester) -> None:
    """Two xdist workers, one with a machine, one with a command; then one more run."""
    inner.makepyfile(
        test_first=f"""
        import subprocess, sys

        def test_machine(machine):
            assert machine.command("pmm alloc2m").startswith("ok ")

        def test_command():
            command = [sys.executable, "-m", "ringbench.cli.main", "heap", "--memory", "32M"]
            config = ["--config", {str(ROOT / "ringbench.toml")!r}]
            subprocess.run([*command, *config, "--command", "heap align 4096 64"], check=True)
        """,
        test_later="""
        def test_task(machine):
            assert machine.command("task new") == "ok t1"
        """,
    )
    layers = [f"--kernel-cov=kernel/{layer}" for layer in ("pmm", "heap", "task")]
    reports = ("--kernel-cov-data=cov/kernel.json", "--kernel-cov-lcov=cov/kernel.info")
    trace = inner.path / "cov/kernel.info"

    result = inner.runpytest_subprocess("-n2", "test_first.py", *layers, *reports)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*coverage of the kernel*", "kernel/heap *", "all *"])
    assert ran(trace, "kernel/pmm/frames.c", "*base = block * PAGE_SIZE_2M;") == [True]
    assert ran(trace, "kernel/heap/heap.c", "align > HEAP_ALIGN_MAX") == [True]
    assert ran(trace, "kernel/task/task.c", "= vm_space_create(&space);") == [False]
    assert f"SF:{ROOT}/kernel/vmm/" not in trace.read_text()
    first = Data.load(inner.path / "cov/kernel.json")

    result = inner.runpytest_subprocess("test_later.py", *layers, *reports)
    result.assert_outcomes(passed=1)
    assert ran(trace, "kernel/heap/heap.c", "align > HEAP_ALIGN_MAX") == [True]
    assert ran(trace, "kernel/task/task.c", "= vm_space_create(&space);") == [True]
    both = Data.load(inner.path / "cov/kernel.json")
    assert list(both.builds) == [build_id(ELF)]
    assert both == both | first != first


@pytest.mark.parametrize(("under", "status"), [("99.9", 1), ("1", 0)])
def test_too_little_coverage_fails_the_run(inner: pytest.Pytester, under: str, status: int) -> None:
    inner.makepyfile("def test_boots(machine):\n    pass\n")
    result = inner.runpytest_subprocess("--kernel-cov", f"--kernel-cov-fail-under={under}")
    result.assert_outcomes(passed=1)
    assert result.ret == status
    said = f"% of the lines ran, --kernel-cov-fail-under wants {under} %" in result.stdout.str()
    assert said == (status != 0)


def test_without_the_option_nothing_is_said_or_logged(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner.makepyfile(
        "def test_plain(ringbench_config):\n"
        "    assert ringbench_config.machine.translations is None\n"
    )
    monkeypatch.delenv(TRANSLATIONS, raising=False)
    result = inner.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*coverage of the kernel*")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kernel-cov-fail-under=90"], "--kernel-cov-fail-under needs --kernel-cov"),
        (["--kernel-cov-lcov=x"], "--kernel-cov-lcov needs --kernel-cov"),
        (["--kernel-cov", "--kernel-cov-fail-under=100.5"], "not a percentage, 0 to 100"),
        (["--kernel-cov", "--kernel-cov-fail-under=-1"], "not a percentage, 0 to 100"),
        (["--kernel-cov", "--kernel-cov-fail-under=nan"], "not a percentage, 0 to 100"),
        (["--kernel-cov=kernel/pmn"], "no source of the kernel with code is below 'kernel/pmn'"),
        (["--kernel-cov", "--kernel-cov-lcov=/dev/null/x"], "cannot be written"),
        (["--kernel-cov", "--kernel-cov-html=/dev/null/x"], "cannot be written"),
        (["--kernel-cov", "--kernel-cov-lcov=."], "cannot be written"),
        (["--kernel-cov", "--kernel-cov-data=conftest.py"], "not a file of"),
        (["--kernel-cov", "--ringbench-elf=/none.elf"], "cannot be read"),
        (["--kernel-cov", "--ringbench-elf=conftest.py"], "not an ELF file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_are_wrong_are_refused_at_once(
    inner: pytest.Pytester, arguments: list[str], words: str
) -> None:
    inner.makeconftest("")
    before = os.environ.get(TRANSLATIONS)
    with pytest.raises(pytest.UsageError) as caught:
        inner.parseconfigure(*arguments)
    assert words in str(caught.value)
    assert os.environ.get(TRANSLATIONS) == before
