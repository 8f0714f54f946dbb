"""The kernels of tests/kernels/talk, built when they are first asked for."""

import subprocess
import sys
from pathlib import Path

from ringbench.config import Config, load
from tests.bench.conftest import FLAGS, LINK, SOURCES

TALK = Path(__file__).parent.parent / "kernels/talk"


def build(folder: Path, way: str, *more: str) -> Path:
    """Build the kernel that behaves in one way; return its 64-bit ELF."""
    elf = folder / f"{way}.elf"
    objects = []
    for source in (SOURCES / "echo_boot.S", TALK / "kernel.c"):
        objects.append(folder / f"{way}-{source.name}.o")
        command = ["gcc", *FLAGS, f"-D{way}", *more, "-c", str(source), "-o", str(objects[-1])]
        subprocess.run(command, check=True)
    subprocess.run(["ld", "-T", SOURCES / "kernel.ld", *LINK, "-o", elf, *objects], check=True)
    return elf


def configure(folder: Path, elf: Path, text: str, **overrides: object) -> Config:
    """Write a configuration of [kernel] keys, and load it."""
    file = folder / "ringbench.toml"
    file.write_text(f'[kernel]\nelf = "{elf}"\n{text}\n')
    return load(file, overrides)


def run(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a module of Python there, and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
