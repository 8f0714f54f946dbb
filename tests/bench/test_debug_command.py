"""`ringbench debug`: GDB on a terminal, the kernel at its beginning, its console beside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from ringbench.config.load import TRANSLATIONS
from tests.bench.talkers import build, configure, run
from tests.bench.test_forms import image


@contextmanager
def terminal(folder: Path, *arguments: str) -> Iterator[Any]:
    command = ["-m", "ringbench.cli.main", *arguments]
    plain = os.environ | {"TERM": "dumb"}  # or GDB colours what it prints
    spawned = pexpect.spawn(
        sys.executable, command, cwd=folder, env=plain, encoding="utf-8", timeout=60
    )
    try:
        yield spawned
    finally:
        spawned.close(force=True)


def test_the_first_instruction_and_the_console_beside(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "TORN"), 'prompt = "> "')
    with terminal(tmp_path, "debug") as gdb:
        gdb.expect(r"--attach (\S+)")
        socket = gdb.match[1]
        gdb.expect(r"breakpoint 1, .*start")
        gdb.expect_exact("(gdb) ")
        gdb.sendline("rb-control")
        gdb.expect_exact("4-level paging is off")
        gdb.sendline("hbreak stop")
        gdb.sendline("continue")
        gdb.expect_exact("Continuing.")
        with terminal(tmp_path, "console", "--attach", socket) as console:
            console.expect_exact("ok > ")
            console.send("hello\n")
            console.expect_exact("said hello")
            gdb.sendintr()
            gdb.expect("received signal SIGINT")
            gdb.expect_exact("(gdb) ")
            gdb.sendline("rb-translate echo_main")
            gdb.expect_exact(" page of 0x")
            gdb.sendline("quit")
            console.expect(pexpect.EOF)
        gdb.expect(pexpect.EOF)
        gdb.wait()
        assert gdb.exitstatus == 0
    assert not Path(socket).exists()


def test_at_a_function(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "LOG"), "")
    with terminal(tmp_path, "debug", "--at", "log_done") as gdb:
        gdb.expect(r"breakpoint 1, .*log_done \(\)")
        gdb.expect_exact("(gdb) ")


@pytest.mark.parametrize("is_recorded", [False, True])
def test_a_boot_sector_without_symbols(
    is_recorded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor can it be said which of its code runs, where that is asked of every kernel."""
    monkeypatch.delenv(TRANSLATIONS, raising=False)
    if is_recorded:
        (tmp_path / "ran").mkdir()
        monkeypatch.setenv(TRANSLATIONS, str(tmp_path / "ran"))
    image(tmp_path)
    (tmp_path / "ringbench.toml").write_text('[kernel]\nimage = "disk.img"\n')
    with terminal(tmp_path, "debug") as gdb:
        gdb.expect(r"breakpoint 1, 0x0*7c00 ")
        gdb.expect_exact("(gdb) ")


HIGH = """
    .long 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)
    .long 0x100000, 0x100000, 0, 0, 0x100024  # where the header says that it is loaded and begins
    .globl start
start:
    .fill 4, 1, 0x90
    hlt
"""
SCRIPT = "SECTIONS { . = 0xffffffff80100000; .text : AT(0x100000) { *(.text) } }"


@pytest.mark.parametrize(("flags", "entry"), [(0, 0x100020), (1 << 16, 0x100024)])
def test_an_entry_in_the_higher_half(flags: int, entry: int, tmp_path: Path) -> None:
    """The loader jumps to where it lies in memory, or to where the Multiboot header says."""
    source, script, elf = tmp_path / "high.S", tmp_path / "high.ld", tmp_path / "high.elf"
    source.write_text(HIGH)
    script.write_text(SCRIPT)
    command = ["gcc", "-nostdlib", "-static", "-no-pie", f"-DFLAGS={flags}", f"-Wl,-T,{script}"]
    command += ["-Wl,-e,start,--build-id=none,-z,noexecstack", "-o", str(elf), str(source)]
    subprocess.run(command, check=True)
    configure(tmp_path, elf, "")
    with terminal(tmp_path, "debug") as gdb:
        gdb.expect(rf"breakpoint 1, 0x0*{entry:x} ")
        gdb.expect_exact("(gdb) ")


def test_a_function_that_is_not_there(tmp_path: Path) -> None:
    configure(tmp_path, build(tmp_path, "LOG"), "")
    with terminal(tmp_path, "debug", "--at", "no_such") as gdb:
        gdb.expect('Function "no_such" not defined')
        gdb.expect_exact("(gdb) ")
        gdb.sendline("info registers rip")
        gdb.expect(r"rip +0xfff0 ")


def test_a_console_that_is_not_there(tmp_path: Path) -> None:
    done = run(tmp_path, "ringbench.cli.main", "console", "--attach", "absent")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "--attach absent: no kernel is being debugged there" in line
