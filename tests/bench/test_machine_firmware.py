"""Discs: GRUB loads the test kernel from an ISO, started by the BIOS and by UEFI firmware."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.config import Config
from ringbench.errors import StartError
from ringbench.machine import Machine

KernelConfigs = Callable[..., Config]

GRUB = "set timeout=0\nmenuentry echo {\n multiboot /boot/kernel.elf\n boot\n}\n"


@pytest.fixture(scope="module")
def iso(kernels: KernelConfigs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("iso")
    (folder / "tree/boot/grub").mkdir(parents=True)
    (folder / "tree/boot/grub/grub.cfg").write_text(GRUB)
    shutil.copy(kernels("echo").kernel.image, folder / "tree/boot/kernel.elf")
    iso = folder / "echo.iso"
    subprocess.run(["grub-mkrescue", "-o", iso, folder / "tree"], check=True, capture_output=True)
    return iso


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_disc(kernels: KernelConfigs, iso: Path, firmware: str) -> None:
    changes = {
        "kernel.image": iso,
        "machine.firmware": firmware,
        "machine.memory": "128M",
        "deadlines.boot": 100,
    }
    with Machine.start(kernels("echo", changes)) as machine:
        assert machine.boot_text.endswith("echo: up")
        assert machine.command("tick") == "ok"
        assert machine.gdb.call("add", 2, 3) == 5
        counter = machine.gdb.symbol("counter") - 0xFFFFFFFF80000000
        assert machine.memory.read(counter, 1) == b"\x2a"
        assert machine.reader("qmp").read(counter, 8) == machine.memory.read(counter, 8)


def test_firmware_that_is_not_there(kernels: KernelConfigs, iso: Path) -> None:
    changes = {"kernel.image": iso, "machine.firmware": "/absent/CODE.fd"}
    with pytest.raises(StartError, match=r"/absent/CODE\.fd: no such firmware"):
        Machine.start(kernels("echo", changes))
