"""Whatever is wrong with the input: one clear message, exit status 2 or 3, nothing left running."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbench.config import Config
from tests.bench.command import run
from tests.places import ROOT

pytestmark = pytest.mark.sampled

ELF, IMAGE = ROOT / "build" / "kernel.elf", ROOT / "build" / "kernel32.elf"

KernelConfigs = Callable[..., Config]


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every private folder of the bench is made here, and gone at the end."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    assert list(folder.iterdir()) == []
    assert children_with(str(folder)) == []


def children_with(text: str) -> list[str]:
    """Command lines of running processes that mention a text, this one aside."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and process.parent.name != str(os.getpid()):
            found.append(line)
    return found


def fails(status: int, *words: str, arguments: list[str], cwd: Path = ROOT) -> None:
    """Run the command; it must end with this status and one message that has these words."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lowered = done.stderr.lower()
    for word in words:
        assert word.lower() in lowered, done.stderr
    assert lowered.count("error:") == 1, done.stderr


def config_file(folder: Path, text: str) -> list[str]:
    """A configuration, and the arguments that use it."""
    path = folder / "ringbench.toml"
    path.write_text(text)
    return ["run", "--config", str(path)]


# --- files ----------------------------------------------------------------------------------------


def test_elf_missing() -> None:
    fails(2, "no-such.elf", arguments=["run", "--elf", "no-such.elf"])


def test_not_an_elf(tmp_path: Path) -> None:
    other = tmp_path / "kernel.elf"
    other.write_text("#!/bin/sh\necho hello, this is no kernel\n")
    fails(2, str(other), "not an ELF", arguments=["run", "--elf", str(other)])


def test_empty_elf(tmp_path: Path) -> None:
    other = tmp_path / "kernel.elf"
    other.write_bytes(b"")
    fails(2, str(other), arguments=["run", "--elf", str(other)])


def test_32_bit_elf() -> None:
    fails(2, str(IMAGE), "32-bit", arguments=["run", "--elf", str(IMAGE)])


def test_stripped_elf(tmp_path: Path) -> None:
    other = tmp_path / "kernel.elf"
    subprocess.run(["strip", "-s", "-o", other, ELF], check=True)
    fails(2, str(other), "symbol", arguments=["run", "--elf", str(other), "--image", str(IMAGE)])


def test_elf_without_dwarf(tmp_path: Path) -> None:
    other = tmp_path / "kernel.elf"
    subprocess.run(["strip", "-g", "-o", other, ELF], check=True)
    fails(2, str(other), "DWARF", arguments=["run", "--elf", str(other)])


def test_truncated_elf(tmp_path: Path) -> None:
    other = tmp_path / "kernel.elf"
    other.write_bytes(ELF.read_bytes()[:5000])
    fails(2, str(other), arguments=["run", "--elf", str(other)])


def test_no_multiboot_header(tmp_path: Path) -> None:
    source = tmp_path / "plain.c"
    source.write_text("void _start(void) { for (;;) ; }\n")
    other = tmp_path / "plain.elf"
    subprocess.run(
        ["gcc", "-g", "-nostdlib", "-static", "-ffreestanding", "-o", other, source], check=True
    )
    fails(2, "Multiboot", arguments=["run", "--elf", str(other), "--image", str(other)])


# --- configuration --------------------------------------------------------------------------------


def test_unknown_key_is_named_with_a_guess(tmp_path: Path) -> None:
    arguments = config_file(tmp_path, f'[kernel]\nelf = "{ELF}"\n[machine]\nmemroy = "64M"\n')
    fails(2, "ringbench.toml", "memroy", "memory", arguments=arguments)


def test_wrong_type_is_named(tmp_path: Path) -> None:
    arguments = config_file(tmp_path, f'[kernel]\nelf = "{ELF}"\n[deadlines]\nboot = "soon"\n')
    fails(2, "ringbench.toml", "deadlines.boot", arguments=arguments)


def test_not_toml(tmp_path: Path) -> None:
    fails(2, "ringbench.toml", arguments=config_file(tmp_path, "[kernel\nelf ="))


def test_configuration_missing() -> None:
    fails(2, "nowhere.toml", arguments=["run", "--config", "nowhere.toml"])


def test_no_configuration_anywhere() -> None:
    fails(2, "ringbench.toml", arguments=["run"], cwd=Path("/"))


@pytest.mark.parametrize("size", ["0", "-1M", "12K", "lots", "100000T", "64.5M", ""])
def test_impossible_memory_size(size: str) -> None:
    fails(2, "memory", arguments=["run", "--memory", size])


def test_usage(tmp_path: Path) -> None:
    fails(2, "--ops", arguments=["run", "--ops", "many"])
    fails(2, "--layer", arguments=["run", "--layer", "screen"])
    fails(2, "no such option", arguments=["run", "--frobnicate"])
    fails(2, "no such command", arguments=["rnu"])
    fails(2, "folder", arguments=["run", "--json", str(tmp_path / "no" / "folder.json")])


# --- tools ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["qemu", "gdb"])
def test_tool_not_installed(tmp_path: Path, tool: str) -> None:
    base = (ROOT / "ringbench.toml").read_text().replace("build/", f"{ROOT}/build/")
    section = f'[machine]\n{tool} = "no-such-{tool}"\n'
    text = base.replace("[machine]\n", section) if "[machine]\n" in base else base + section
    arguments = [*config_file(tmp_path, text), "--ops", "0", "--gdb-ops", "1"]
    fails(3, f"no-such-{tool}", arguments=arguments)


def test_qemu_refuses_its_arguments() -> None:
    fails(3, "no-such-cpu", arguments=["run", "--cpu", "no-such-cpu"])


# --- kernels --------------------------------------------------------------------------------------


def misbehaving(config: Config, folder: Path) -> list[str]:
    """Arguments that boot a test kernel with little patience."""
    return config_file(
        folder,
        f'[kernel]\nelf = "{config.kernel.elf}"\nimage = "{config.kernel.image}"\n'
        'prompt = "ring> "\npanic = "^!! panic"\nsubject = "reference"\n[deadlines]\nboot = 2.0\n',
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("silent", "printed nothing"),
        ("garbage", "prompt"),
        ("midline", "halted"),
        ("triple", "triple fault"),
        ("panic", "panic"),
    ],
)
def test_kernel_that_does_not_come_up(
    kernels: KernelConfigs, tmp_path: Path, name: str, word: str
) -> None:
    fails(3, word, arguments=misbehaving(kernels(name), tmp_path))


def test_elf_of_another_build(tmp_path: Path) -> None:
    data = bytearray(ELF.read_bytes())
    data[data.index(b"ring> ")] ^= 1  # in .rodata: the symbols are right, the contents are not
    other = tmp_path / "kernel.elf"
    other.write_bytes(data)
    arguments = ["run", "--elf", str(other), "--image", str(IMAGE)]
    fails(2, "not the kernel that was booted", arguments=arguments)


def test_kernel_of_another_kind_has_no_state_to_read(
    kernels: KernelConfigs, tmp_path: Path
) -> None:
    fails(2, "no variable 'pmm'", arguments=misbehaving(kernels("echo"), tmp_path))


@pytest.mark.parametrize(
    ("crash", "word"),
    [("panic", "panic"), ("pagefault", "page_fault"), ("triple", "triple fault"), ("hang", "hang")],
)
def test_the_kernels_own_ends_are_told_apart(tmp_path: Path, crash: str, word: str) -> None:
    base = (ROOT / "ringbench.toml").read_text().replace("build/", f"{ROOT}/build/")
    text = base.replace("[kernel]\n", f'[kernel]\ncommand_line = "crash={crash}"\n')
    deadline = "[deadlines]\nboot = 3.0\n"
    text = text.replace("[deadlines]\n", deadline) if "[deadlines]" in text else text + deadline
    fails(3, word, arguments=config_file(tmp_path, text))
