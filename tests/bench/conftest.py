"""The test kernels: small, mostly misbehaving; and a copy of this tree's kernel, to be broken."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbench.config import Config, load
from ringbench.config.load import QEMU
from ringbench.microscope.programs import REGISTERS, interface_of, unpacked_qemu
from tests.mutants.tree import private_tree

SOURCES = Path(__file__).parent / "kernels"
FOLDERS = Path(__file__).parents[1] / "kernels"
FLAGS = (
    *("-m64", "-g", "-O1", "-ffreestanding", "-fno-pic", "-mcmodel=kernel", "-mno-red-zone"),
    *("-mgeneral-regs-only", "-fno-stack-protector", "-fno-omit-frame-pointer"),
    *("-Wall", "-Wextra", "-Werror"),
)
LINK = ("-z", "max-page-size=4096", "-z", "noexecstack", "--no-warn-rwx-segments")

KernelConfigs = Callable[..., Config]


def build(folder: Path, name: str) -> Path:
    """Build kernel `name` from its sources; return its ELF, beside which is NAME32.elf.

    They are all in the folder tests/kernels/NAME, or those called NAME in tests/bench/kernels.
    """
    own = FOLDERS / name
    found = own.iterdir() if own.is_dir() else SOURCES.glob(f"{name}*")
    sources = sorted(path for path in found if path.suffix in (".c", ".S"))
    objects = []
    for source in sources:
        objects.append(folder / f"{source.name}.o")
        subprocess.run(["gcc", *FLAGS, "-I", SOURCES, "-c", source, "-o", objects[-1]], check=True)
    elf, image = folder / f"{name}.elf", folder / f"{name}32.elf"
    subprocess.run(["ld", "-T", SOURCES / "kernel.ld", *LINK, "-o", elf, *objects], check=True)
    subprocess.run(["objcopy", "-O", "elf32-i386", elf, image], check=True)
    return elf


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> KernelConfigs:
    """Give a configuration for a test kernel: ``kernels("echo", {"machine.memory": "1G"})``."""
    folder = tmp_path_factory.mktemp("kernels")

    def configure(name: str, changes: dict[str, object] | None = None) -> Config:
        elf = folder / f"{name}.elf"
        if not elf.exists():
            build(folder, name)
        settings: dict[str, object] = {
            "kernel.elf": elf,
            "kernel.image": folder / f"{name}32.elf",
            "kernel.prompt": "ring> ",
            "kernel.prompt_rest": 0,
            "machine.display": "none",
            "kernel.panic": "^!! panic",
            "kernel.exception": "^!! exception",
            "kernel.end": "^!! end",
        }
        return load(folder / "ringbench.toml", settings | (changes or {}))

    (folder / "ringbench.toml").write_text("")
    return configure


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A copy of the kernel's sources and of what was built, so that one file need be compiled."""
    with private_tree() as tree:
        yield tree


@pytest.fixture(scope="session")
def qemu_with_registers() -> str:
    """A QEMU whose plugins can read registers: the one of these tests, or the unpacked one."""
    own = os.environ.get(QEMU, "qemu-system-x86_64")
    qemu = own if interface_of(own) >= REGISTERS else unpacked_qemu()
    if qemu is None:
        pytest.skip("no QEMU with registers for plugins: tools/newer_qemu.sh could not get one")
    return qemu
