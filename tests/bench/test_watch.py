"""`ringbench watch`: each write to a place, whoever made it and by whichever address."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from ringbench.config import Config
from ringbench.errors import Ended
from ringbench.machine import Machine
from ringbench.microscope.watch import Watched, find_target, watched
from ringbench.microscope.watch import seen as writes_seen
from tests.bench.command import run
from tests.bench.conftest import KernelConfigs

WATCHED = {"kernel.prompt": "> "}


@pytest.fixture(scope="module")
def config(kernels: KernelConfigs) -> Config:
    return kernels("watched", WATCHED)


def seen(config: Config, text: str, *, last: int = 100, **options: Any) -> Watched:
    target = find_target(
        config, text, options.get("length"), physical=options.get("physical", False)
    )
    with Machine.launch(watched(config)) as guest:
        target.watch(guest.microscope, last)
        guest.boot()
        with guest.stopped():
            return writes_seen(guest.microscope, target, guest.names)


def functions(places: Any) -> list[str]:
    return [each.symbol.partition("+")[0] for each in places]


def test_every_width_once_and_with_its_value(config: Config) -> None:
    written = seen(config, "widths")
    base = written.target.address
    assert (written.target.length, written.written) == (16, 5)
    assert [(each.address - base, each.size, each.value) for each in written.writes] == [
        (15, 1, 0x11),
        (12, 2, 0x2222),
        (8, 4, 0x33333333),
        (0, 8, 0x4444444444444444),
        (0, 1, 0x45),
    ]
    numbers = [each.instruction for each in written.writes]
    assert numbers == sorted(set(numbers))
    for each in written.writes:
        assert each.place.symbol.startswith("write_widths+")
        assert each.place.file.endswith("tests/kernels/watched/kernel.c")
        assert functions(each.callers) == ["kernel_main", "higher_half"]


def test_part_of_a_variable(config: Config) -> None:
    assert [each.value for each in seen(config, "widths+8", length=2).writes] == [0x33333333]
    assert seen(config, "widths+0xa", length=2).written == 1
    assert seen(config, "widths+14", length=1).written == 0


def test_by_another_address(config: Config) -> None:
    own, other = seen(config, "mirrored").writes
    assert (own.value, other.value) == (1, 2)
    assert own.physical == other.physical
    assert other.address == own.address - 0xFFFFFFFF80000000 + 0xFFFF800000000000
    assert seen(config, "only_by_alias").written == 0  # nothing has said yet where it is
    assert own.physical is not None
    by_frame = seen(config, hex(own.physical), physical=True, length=8)
    assert [each.value for each in by_frame.writes] == [1, 2]
    by_page = seen(config, hex(own.physical & -4096), physical=True, length=8192)
    values = [each.value for each in by_page.writes]
    assert by_page.written >= len(values) >= 8


def test_callers_on_each_stack(config: Config) -> None:
    first, own, second = seen(config, "by_tasks").writes
    assert (first.value, own.value, second.value) == (1, 10, 2)
    assert functions(first.callers) == functions(second.callers) == ["task"]
    assert functions(own.callers) == ["take_turns", "kernel_main", "higher_half"]
    bottom, after = seen(config, "at_the_bottom").writes
    assert functions(bottom.callers) == ["descend"] * 24
    assert functions(after.callers) == ["higher_half"]


def test_the_last_value_is_in_memory(config: Config) -> None:
    target = find_target(config, "by_tasks", None, physical=False)
    with Machine.launch(watched(config)) as guest:
        target.watch(guest.microscope, 1)
        guest.boot()
        with guest.stopped():
            [last] = writes_seen(guest.microscope, target, guest.names).writes
            assert last.physical is not None
            kept = guest.memory.read(last.physical, last.size)
    assert int.from_bytes(kept, "little") == last.value == 2


def test_the_last_of_many(config: Config) -> None:
    written = seen(config, "widths", last=2)
    assert written.written == 5
    assert [each.value for each in written.writes] == [0x4444444444444444, 0x45]


def test_a_kernel_that_ends(config: Config) -> None:
    target = find_target(config, "mirrored", None, physical=False)
    with Machine.launch(watched(config)) as guest:
        target.watch(guest.microscope, 10)
        guest.boot()
        with pytest.raises(Ended, match="triple fault"):
            guest.command("f")
        assert [
            each.value for each in writes_seen(guest.microscope, target, guest.names).writes
        ] == [1, 2]


def test_the_command_agrees_with_memory() -> None:
    done = run(
        "watch", "pmm+16", "--length", "8", "--command", "pmm alloc", "--last", "1", "--json"
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    [write] = data["writes"]
    assert data["written"] > 20
    assert data["ending"] is None
    names = [write["place"]["symbol"], *(each["symbol"] for each in write["callers"])]
    functions = [name.partition("+")[0] for name in names]
    assert functions[:2] == ["pmm_alloc", "command_pmm_alloc"]
    assert functions[-2:] == ["kmain", "image_entry"]
    page = run("watch", "kernel_space", "--last", "1")
    assert page.returncode == 0
    assert "the last 1:" in page.stdout
    assert "called by kmain+" in page.stdout
    assert "(kernel/main.c:" in page.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such"], "no symbol 'no_such'"),
        (["0xfffffffffffffffc"], "8 bytes at 0xfffffffffffffffc cannot be watched"),
        (["pmm", "--physical"], "a physical address is a number"),
        (["pmm", "--length", "0"], "0 is not in the range"),
        (["pmm", "--last", "1000000"], "is not in the range"),
    ],
)
def test_what_cannot_be_watched(arguments: list[str], said: str) -> None:
    done = run("watch", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_qemu_without_plugins_and_a_machine_without_compiler(
    tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("qemu-system-x86_64", "gdb", "sh", "cat", "rm"):
        os.symlink(shutil.which(name) or name, tools / name)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    done = run("watch", "pmm")
    assert done.returncode == 3
    assert "watching needs a C compiler" in done.stderr
    plain = tools / "plain-qemu"
    plain.write_text("#!/bin/sh\necho QEMU emulator version 7.2.0\n")
    plain.chmod(plain.stat().st_mode | stat.S_IXUSR)
    file = tmp_path / "ringbench.toml"
    file.write_text(f'[kernel]\nelf = "{config.kernel.elf}"\n[machine]\nqemu = "{plain}"\n')
    done = run("watch", "0x1000", "--config", file)
    assert done.returncode == 3
    assert "was built without plugins" in done.stderr
