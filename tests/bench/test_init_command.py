"""`ringbench init`: a configuration from a kernel's files and its first boot, which then works."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.errors import BootTimeout
from ringbench.machine import Machine
from ringbench.machine.first_boot import landmark
from ringbench.report.configuration import pattern
from tests.bench.talkers import build, configure, run
from tests.bench.test_forms import image


def made(folder: Path, *files: str) -> tuple[str, dict[str, object]]:
    """What `ringbench init` says, and the [kernel] table that it writes."""
    done = run(folder, "ringbench.cli.main", "init", *files)
    assert (done.returncode, done.stderr) == (0, "")
    text = (folder / "ringbench.toml").read_text()
    load(folder / "ringbench.toml")
    return done.stdout, tomllib.loads(text)["kernel"]


def test_a_kernel_with_a_prompt_on_another_port(tmp_path: Path) -> None:
    build(tmp_path, "TORN", "-DCOM=0x2f8")
    said, kernel = made(tmp_path, "TORN.elf")
    assert "64 bits, C, symbols and DWARF, Multiboot 1" in said
    assert kernel == {"elf": "TORN.elf", "console": "com2", "prompt": "> "}
    assert "ringbench boot" in said
    with Machine.start(load(tmp_path / "ringbench.toml")) as machine:
        assert machine.command("hello") == "said hello"


def test_what_is_found_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    build(tmp_path / "build", "LOG")
    for left in (tmp_path / "build").glob("*.o"):
        assert left.exists()  # objects are no kernels
    said, kernel = made(tmp_path)
    assert kernel == {"elf": "build/LOG.elf", "console": "com1"}
    assert "it printed on com1, debugcon; com1 ends with 'up'" in said
    refused = run(tmp_path, "ringbench.cli.main", "init")
    assert refused.returncode == 2
    assert "--force replaces it" in refused.stderr
    shutil.copy(tmp_path / "build/LOG.elf", tmp_path / "build/other.elf")
    refused = run(tmp_path, "ringbench.cli.main", "init", "--force")
    assert refused.returncode == 2
    assert "build/LOG.elf, build/other.elf; name the one" in refused.stderr


def test_a_kernel_that_tests_itself(tmp_path: Path) -> None:
    build(tmp_path, "TESTS")
    _, kernel = made(tmp_path, "TESTS.elf")
    assert kernel["passed"] == {"exit": 35}
    text = (tmp_path / "ringbench.toml").read_text()
    (tmp_path / "ringbench.toml").write_text(text.replace("# tests", "tests"))
    done = run(tmp_path, "ringbench.cli.main", "boot")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        1,
        "ringbench: failed: 'test heap: FAILED' is no test that passed",
    )


def test_a_kernel_that_does_not_come_up(tmp_path: Path) -> None:
    build(tmp_path, "LOST")
    said, kernel = made(tmp_path, "LOST.elf")
    assert kernel["console"] == "com1"
    assert "first boot: it printed on com1; com1 ends with 'up'; hang: at 0x" in said
    assert "it did not come up: `ringbench why` boots it again" in said


def test_a_disk_image_and_no_symbols(tmp_path: Path) -> None:
    image(tmp_path).chmod(0o444)
    (tmp_path / "data.img").write_bytes(bytes(1 << 16))
    said, kernel = made(tmp_path, "disk.img", "data.img")
    assert kernel == {"image": "disk.img", "console": "com1", "prompt": "> "}
    assert "a disk image, for bios\ndata.img: a further disk\n" in said
    [disk] = load(tmp_path / "ringbench.toml").machine.disks
    assert disk.path == tmp_path / "data.img"


def test_a_kernel_that_qemu_cannot_boot_itself(tmp_path: Path) -> None:
    source = tmp_path / "k.S"
    source.write_text(".quad 0xc7b1dd30df4c8b88, 0x0a82e883a194f07b\n")
    command = ["gcc", "-nostdlib", "-static", "-Wl,-e,0", "-o", str(tmp_path / "k.elf")]
    subprocess.run([*command, str(source)], check=True)
    done = run(tmp_path, "ringbench.cli.main", "init", "k.elf")
    assert done.returncode == 2
    assert "Limine protocol" in done.stderr
    assert not (tmp_path / "ringbench.toml").exists()


def test_a_kernel_that_goes_on_talking(tmp_path: Path) -> None:
    elf = build(tmp_path, "TALKS")
    config = configure(tmp_path, elf, "", **{"deadlines.boot": 1})
    with (
        Machine.launch(config) as machine,
        pytest.raises(BootTimeout, match=r"did not fall quiet within 1 s.*kernel\.ready = {log"),
    ):
        machine.boot()
    line = landmark("up\nheap at 0x1000\nturn 0\nturn 1\nturn 2\ntur")
    assert line == "heap at 0x1000"
    assert pattern(line) == r"heap at \w+"
    configure(tmp_path, elf, f"ready = {{ log = '{pattern(line)}' }}")
    with Machine.start(load(tmp_path / "ringbench.toml")) as machine:
        assert machine.boot_text.startswith("up\nheap at ")


@pytest.mark.parametrize("files", [["absent.elf"], ["a.img", "b.img"], []])
def test_what_cannot_be_booted(tmp_path: Path, files: list[str]) -> None:
    for name in ("a.img", "b.img"):
        (tmp_path / name).write_bytes(b"x")
    done = run(tmp_path, "ringbench.cli.main", "init", *files)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "ringbench.toml").exists()


def test_which_firmware_starts_an_iso(tmp_path: Path) -> None:
    from ringbench.machine.image import Form
    from ringbench.machine.survey import firmware_of
    from tests.places import ROOT

    assert firmware_of(ROOT / "build/ringbench.iso", Form.ISO) == ("bios", "uefi")
    assert firmware_of(image(tmp_path), Form.DISK) == ("bios",)
