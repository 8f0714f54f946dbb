"""A few of each kind of wrong input through the command: a status, a line, bounded memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.bench.command import RINGBENCH, SECONDS
from tests.fuzz.mutate import mutated
from tests.fuzz.test_files import ELF, IMAGE, of_a_section, sections
from tests.places import ROOT

MEMORY = 3 << 30
"""Bytes of address space that the command may have: libraries and threads reserve much of that."""

Record = Callable[[str, object], None]


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command in little memory: it must end with a status of its own, and no traceback."""
    done = subprocess.run(
        ["prlimit", f"--as={MEMORY}", *RINGBENCH, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 2, 3), done.stderr
    return done


def refused(done: subprocess.CompletedProcess[str], *words: object) -> None:
    """The command must have ended with status 2 and one line, that has these words."""
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert sum("error:" in line.lower() for line in lines) == 1, done.stderr
    for word in words:
        assert str(word) in done.stderr, done.stderr


@pytest.fixture
def coverage_of(tmp_path: Path) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Run pytest with coverage of a kernel's lines, and no test."""
    base = (ROOT / "ringbench.toml").read_text()

    def run(elf: Path) -> subprocess.CompletedProcess[str]:
        text = base.replace('"build/kernel.elf"', f'"{elf}"').replace('"build/', f'"{ROOT}/build/')
        (tmp_path / "ringbench.toml").write_text(text)
        (tmp_path / "test_none.py").write_text("def test_none(): pass\n")
        python = RINGBENCH[0]
        return subprocess.run(
            [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--kernel-cov", "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return run


def test_damaged_kernels(tmp_path: Path, share: int, record_property: Record) -> None:
    data, path, places = ELF.read_bytes(), tmp_path / "kernel.elf", sections(ELF)
    statuses: list[int] = []
    for number in range(3 * share):
        random = Random(f"command:{number}")
        start, end = random.choice((*places.values(), (0, 400)))
        part = mutated(data[start:end], random)
        path.write_bytes(of_a_section(data, start, end, part))
        done = command(
            "run", "--elf", path, "--image", IMAGE, "--ops", 5, "--gdb-ops", 1, "--ring-ops", 5
        )
        statuses.append(done.returncode)
    counts = ", ".join(f"{statuses.count(each)} with status {each}" for each in sorted({*statuses}))
    record_property("summary", f"{len(statuses)} tries: {counts}")


def test_damaged_line_tables(
    tmp_path: Path,
    coverage_of: Callable[[Path], subprocess.CompletedProcess[str]],
    share: int,
    record_property: Record,
) -> None:
    data, path, places = ELF.read_bytes(), tmp_path / "kernel.elf", sections(ELF)
    refusals = 0
    for number in range(2 * share):
        random = Random(f"coverage:{number}")
        start, end = places[random.choice((".debug_line", ".debug_info", ".debug_line_str"))]
        path.write_bytes(of_a_section(data, start, end, mutated(data[start:end], random)))
        done = coverage_of(path)
        assert "Traceback" not in done.stdout + done.stderr
        assert "INTERNALERROR" not in done.stdout + done.stderr
        refusals += done.returncode != 0
    record_property("summary", f"{2 * share} tries: {refusals} refused")


def endless(folder: Path, kind: str) -> Path:
    """A file that has no end, or none that anybody waits for."""
    path = folder / kind.replace(" ", "-")
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "zero":
            return Path("/dev/zero")
        case "folder":
            path.mkdir()
        case "sparse":
            with path.open("wb") as file:
                file.write(ELF.read_bytes())
                file.truncate(20 << 30)
        case "link":
            path.symlink_to("/dev/zero")
    return path


ENDLESS = ("fifo", "zero", "folder", "sparse", "link")
WAYS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "elf": lambda path: ("run", "--elf", path, "--image", IMAGE),
    "image": lambda path: ("run", "--elf", ELF, "--image", path),
    "script": lambda path: ("replay", path),
    "dump": lambda path: ("pages", "--dump", path, "--root", "0x1000"),
    "translated dump": lambda path: ("translate", "--dump", path, "--root", "0x1000", "0x1000"),
}
QUICK = {
    ("elf", "fifo"),
    ("image", "zero"),
    ("script", "sparse"),
    ("dump", "fifo"),
    ("elf", "sparse"),
}


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (way, kind)
        if (way, kind) in QUICK
        else pytest.param(way, kind, marks=pytest.mark.exhaustive)
        for way in WAYS
        for kind in ENDLESS
        if not ("dump" in way and kind == "sparse")  # which is what a dump of a large guest is
    ],
)
def test_files_that_never_end(tmp_path: Path, way: str, kind: str) -> None:
    path = endless(tmp_path, kind)
    refused(command(*WAYS[way](path)), path)


@pytest.mark.parametrize("kind", ["fifo", "zero", "folder"])
def test_modules_that_never_end(tmp_path: Path, kind: str) -> None:
    path = endless(tmp_path, kind)
    text = (ROOT / "ringbench.toml").read_text().replace('"build/', f'"{ROOT}/build/')
    text = text.replace("[kernel]\n", f'[kernel]\nmodules = ["{path} one"]\n')
    (tmp_path / "ringbench.toml").write_text(text)
    refused(command("run", "--config", tmp_path / "ringbench.toml"), path)
