"""The set-up goes on without the newer QEMU where it cannot get one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.places import ROOT


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def put(tools: Path, name: str, text: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{text}\n")
    (tools / name).chmod(0o755)


def said() -> str:
    done = subprocess.run(
        [ROOT / "tools" / "newer_qemu.sh"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_new_one_is_enough(tools: Path) -> None:
    put(tools, "qemu-system-x86_64", "echo QEMU emulator version 9.1.0")
    put(tools, "apt-get", "exit 1")
    assert said() == ""


def test_without_network_it_says_so_once_a_day(tools: Path, tmp_path: Path) -> None:
    put(tools, "qemu-system-x86_64", "echo QEMU emulator version 9.0.4")
    put(tools, "apt-get", "exit 1")
    assert "tests that need one are skipped" in said()
    assert said() == ""
    assert [path.name for path in (tmp_path / "cache" / "ringbench").iterdir()] == ["no-newer-qemu"]
