"""`ringbench doctor`, and the choice of another QEMU for everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.config.load import QEMU
from ringbench.machine import Machine
from ringbench.machine.doctor import Examination, examine
from ringbench.microscope.programs import REGISTERS
from tests.bench.command import run
from tests.bench.conftest import KernelConfigs

PLUGINS = "case $1 in --version) echo QEMU emulator version %s;; *) echo -plugin file;; esac"


def fake(folder: Path, text: str) -> str:
    qemu = folder / "qemu"
    qemu.write_text(f"#!/bin/sh\n{text}\n")
    qemu.chmod(0o755)
    return str(qemu)


def examined(qemu: str) -> Examination:
    settings = {"kernel.elf": "none", "machine.qemu": qemu, "machine.gdb": "true"}
    return examine(load(None, settings).machine)


def lacking(examination: Examination) -> dict[str, str | None]:
    return {each.what.partition(",")[0]: each.lacks for each in examination.abilities}


@pytest.mark.parametrize(
    ("version", "interface"),
    [("7.2.22", 1), ("8.2.0", 1), ("9.0.1", 2), ("9.1.0", 3), ("10.0.2", 3), ("11.0", 3)],
)
def test_the_interface_follows_from_the_version(
    tmp_path: Path, version: str, interface: int
) -> None:
    found = examined(fake(tmp_path, PLUGINS % version))
    assert found.interface == interface
    lacks = lacking(found)["watch"]
    assert (lacks is None) == (interface >= REGISTERS)


def test_without_plugins_all_but_watching_works(tmp_path: Path) -> None:
    found = examined(fake(tmp_path, "echo QEMU emulator version 10.0.2"))
    assert (found.interface, found.can_boot) == (None, True)
    assert "was built without plugins" in (lacking(found)["watch"] or "")
    assert lacking(found)["boot"] is None


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("QEMU        /")
    data = json.loads(run("doctor", "--json", cwd=tmp_path).stdout)
    assert [tool["name"] for tool in data["tools"]][:4] == ["QEMU", "plugins", "compiler", "GDB"]
    monkeypatch.setenv(QEMU, "no-such-qemu")
    done = run("doctor", cwd=tmp_path)
    assert done.returncode == 3
    assert "no no-such-qemu on the PATH" in done.stdout


def test_the_file_decides_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(QEMU, "by-environment")
    file = tmp_path / "ringbench.toml"
    file.write_text('[machine]\nqemu = "by-file"\n')
    assert load(file, {"kernel.elf": "none"}).machine.qemu == "by-file"
    file.write_text("")
    assert load(file, {"kernel.elf": "none"}).machine.qemu == "by-environment"


def test_a_qemu_with_registers_boots(kernels: KernelConfigs, qemu_with_registers: str) -> None:
    assert examined(qemu_with_registers).interface == REGISTERS
    changes = {"machine.qemu": qemu_with_registers, "kernel.prompt": "> "}
    with Machine.start(kernels("watched", changes)) as machine:
        assert not machine.ended_badly()
