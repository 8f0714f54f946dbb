"""`ringbench frames`, `heap` and `spaces` on a real kernel, through the command line itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringbench.cli.main import run

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ringbench(capfd: pytest.CaptureFixture[str]) -> Call:
    def call(*arguments: object) -> tuple[int, str, str]:
        status = run([str(each) for each in arguments])
        return status, *capfd.readouterr()

    return call


def with_lines(*lines: str) -> list[str]:
    return [word for line in lines for word in ("--command", line)]


def parsed(outcome: tuple[int, str, str]) -> Any:
    status, out, err = outcome
    assert status == 0, err
    data = json.loads(out)
    assert data["problems"] == []
    return data


def test_frames(ringbench: Call, tmp_path: Path) -> None:
    dump = tmp_path / "memory.bin"
    lines = with_lines("task new", "pmm alloc 5", "vm alloc t1 0x8000 anonymous rwu")
    outcome = ringbench("frames", "--json", "--save-dump", dump, *lines)
    data = parsed(outcome)
    assert "ring> pmm alloc 5\nok 0x" in outcome[2]
    totals = {(each["owner"], each["of"]): each["frames"] for each in data["totals"]}
    assert totals["lent by the console", ""] == 5
    assert totals["anonymous region", "t1"] == 8
    assert totals["page table", "t1"] == 4
    assert totals["free", ""] == data["free"]
    assert dump.stat().st_size >= 64 << 20


def test_heap(ringbench: Call) -> None:
    lines = with_lines("heap alloc 100", "heap alloc 200", "heap free 0xffffc00000000010")
    data = parsed(ringbench("heap", "--json", *lines))
    assert [(node["size"], node["used"]) for node in data["nodes"]] == [
        (128, False),
        (224, True),
        (4096 - 128 - 224, False),
    ]


def test_spaces(ringbench: Call) -> None:
    lines = with_lines(
        "task new", "vm alloc t1 0x4000 demand rwu", "touch t1 0x11000 w", "task switch t1"
    )
    data = parsed(ringbench("spaces", "--json", "--memory", "16M", *lines))
    assert data["current_task"] == 1
    (task,) = (space for space in data["spaces"] if space["name"] == "t1")
    (region,) = task["regions"]
    assert (region["base"], region["length"], region["pages"]) == (0x10000, 0x4000, 1)


@pytest.mark.parametrize("command", ["frames", "heap", "spaces"])
def test_for_people(ringbench: Call, command: str) -> None:
    status, out, err = ringbench(command, *with_lines("task new"))
    assert (status, err) == (0, "ring> task new\nok t1\n")
    assert "kernel" in out or "heap" in out


@pytest.mark.parametrize("command", ["frames", "heap", "spaces"])
def test_a_dump_that_cannot_be_written(ringbench: Call, command: str, tmp_path: Path) -> None:
    status, _, err = ringbench(command, "--save-dump", tmp_path / "no" / "dump")
    assert status == 2
    assert "in a folder that does not exist" in err


def test_a_kernel_without_a_subject(ringbench: Call, tmp_path: Path) -> None:
    source = Path("ringbench.toml").read_text(encoding="utf-8")
    other = tmp_path / "ringbench.toml"
    lines = [line for line in source.splitlines() if not line.startswith("subject")]
    build = Path("build").resolve()
    other.write_text("\n".join(lines).replace('"build/', f'"{build}/'), encoding="utf-8")
    status, _, err = ringbench("heap", "--config", other)
    assert status == 2
    assert "kernel.subject is not" in err


def test_a_command_that_ends_the_kernel(ringbench: Call) -> None:
    status, out, err = ringbench("heap", *with_lines("poweroff"))
    assert (status, out) == (3, "")
    assert err.startswith("ringbench: error:")
