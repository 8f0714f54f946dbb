"""Coverage by the plugin: every instruction, and both ways of every conditional jump."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringbench.config import Config
from ringbench.config.load import BRANCHES, TRANSLATIONS
from ringbench.coverage import jumps
from ringbench.coverage.data import Data
from ringbench.coverage.recording import Recording, record
from ringbench.coverage.summary import FileCoverage, Total
from ringbench.errors import CoverageError, Ended
from ringbench.machine import Machine, ran_file
from ringbench.report.lcov import as_lcov
from tests.bench.command import run
from tests.bench.conftest import FOLDERS, KernelConfigs

pytest_plugins = ["pytester"]

SOURCE = FOLDERS / "branches" / "kernel.c"
LINES = SOURCE.read_text("utf-8").splitlines()


def marked(mark: str) -> list[int]:
    return [number for number, text in enumerate(LINES, 1) if f"/* {mark} */" in text]


@pytest.fixture(scope="module", params=["default", "registers"])
def config(kernels: KernelConfigs, request: pytest.FixtureRequest) -> Config:
    changes: dict[str, object] = {"kernel.prompt": "> "}
    if request.param == "registers":
        changes["machine.qemu"] = request.getfixturevalue("qemu_with_registers")
    return kernels("branches", changes)


def of_kernel(recording: Recording) -> FileCoverage:
    [file] = [each for each in recording.files() if each.path.endswith("branches/kernel.c")]
    return file


def went(file: FileCoverage, line: int) -> list[int]:
    """Return how many ways each of a line's jumps went, the fewest first."""
    assert file.jumps is not None
    return sorted(ways.bit_count() for ways in file.jumps[line])


def fall(config: Config) -> None:
    """Boot, and have the kernel end by a fault in the middle of a block."""
    with Machine.start(config) as guest, pytest.raises(Ended, match="triple fault"):
        guest.command("f")


def test_ways_lines_and_what_comes_after_a_fault(config: Config) -> None:
    with record(config, branches=True) as recording:
        fall(recording.config)
        file = of_kernel(recording)
        again = recording.new()
    assert again == set()
    assert file.jumps is not None
    [both], [one], [three] = (marked(mark) for mark in ("both", "one", "three of four"))
    assert [went(file, line) for line in (both, one, three)] == [[2], [1], [1, 2]]
    never = marked("never")
    assert len(never) == 5
    assert file.ran.isdisjoint(never)
    faulting = next(n for n, text in enumerate(LINES, 1) if "0xffffffffc0000000" in text)
    assert {both, one, three, faulting, faulting - 1} <= file.ran
    counted = Total.of([file])
    assert counted.ways == 2 * sum(map(len, file.jumps.values()))
    assert 7 <= counted.went < counted.ways


def test_lcov_has_the_branches(config: Config) -> None:
    with record(config, branches=True) as recording:
        fall(recording.config)
        trace = as_lcov([of_kernel(recording)], Path("/"))
    [both], [one] = marked("both"), marked("one")
    assert f"BRDA:{both},0,0,1\nBRDA:{both},0,1,1\n" in trace
    assert any(f"BRDA:{one},0,0,{on}\nBRDA:{one},0,1,{1 - on}\n" in trace for on in (0, 1))
    [never, *_] = [line for line in marked("never") if "value > 3" in LINES[line - 1]]
    assert f"BRDA:{never},0,0,-\n" in trace
    assert "BRF:" in trace
    assert "BRH:" in trace


def test_runs_are_added_and_saved(kernels: KernelConfigs, tmp_path: Path) -> None:
    config = kernels("branches", {"kernel.prompt": "> "})
    with record(config, branches=True) as recording:
        fall(recording.config)
        file = of_kernel(recording)
        recording.data.save(tmp_path / "data")
    loaded = Data.load(tmp_path / "data")
    assert loaded == recording.data | Data()
    with record(config, branches=True) as recording:
        [now] = [each for each in recording.files((), loaded) if each.path == file.path]
    assert now == file


def test_without_objdump_jumps_that_ran_are_known(
    kernels: KernelConfigs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jumps, "OBJDUMP", "no-such-objdump")
    with record(kernels("branches", {"kernel.prompt": "> "}), branches=True) as recording:
        fall(recording.config)
        file = of_kernel(recording)
    assert file.jumps is not None
    assert went(file, marked("one")[0]) == [1]
    assert all(0 not in ways for ways in file.jumps.values())


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.ran").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(CoverageError, match="not a record of what ran"):
        ran_file.read(tmp_path / "bad.ran")


def test_the_options(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(
        *("run", "--memory", "16M", "--ops", "5", "--gdb-ops", "0", "--ring-ops", "0"),
        *("--kernel-cov", "kernel/heap", "--kernel-cov-branches"),
    )
    assert done.returncode == 0, done.stderr
    assert "ways  went" in done.stdout
    monkeypatch.delenv(TRANSLATIONS, raising=False)
    monkeypatch.delenv(BRANCHES, raising=False)
    pytester.makepyfile("def test_nothing(): pass")
    told = pytester.runpytest("--kernel-cov-branches", "-p", "no:cacheprovider")
    assert told.ret == pytest.ExitCode.USAGE_ERROR
    assert "--kernel-cov-branches needs --kernel-cov" in str(told.stderr)
    assert BRANCHES not in os.environ
