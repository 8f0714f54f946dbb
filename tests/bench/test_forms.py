"""What can be booted: each form once, and a user's disk is never written."""

import os
import re
import struct
import subprocess
from pathlib import Path

import pytest

from ringbench.config import load
from ringbench.errors import Ended
from ringbench.machine import Machine
from ringbench.machine.qcow2 import CLUSTER, write_qcow2
from tests.bench.talkers import TALK, build, configure

pytestmark = pytest.mark.sampled


def link(folder: Path, source: str, *flags: str) -> Path:
    elf = folder / f"{source}.elf"
    command = ["gcc", "-nostdlib", "-static", "-Wl,--build-id=none,-e,start", *flags]
    subprocess.run([*command, "-o", elf, TALK / source], check=True)
    return elf


def test_a_64_bit_elf_by_multiboot(tmp_path: Path) -> None:
    with Machine.start(configure(tmp_path, build(tmp_path, "TORN"), 'prompt = "> "')) as machine:
        assert machine.command("x") == "said x"
        assert machine.reproduce.startswith("objcopy -O elf32-i386 ")


def test_pvh_and_the_accelerator_that_ran(tmp_path: Path) -> None:
    elf = link(tmp_path, "pvh.S", "-Wl,-Ttext,0x100000", "-no-pie")
    more = {"machine.accelerator": "absent:tcg", "machine.smp": 2}
    with Machine.start(configure(tmp_path, elf, 'prompt = "> "', **more)) as machine:
        assert machine.boot_text == "pvh"
        assert machine.accelerator == "tcg"
        assert len(machine.qmp.command("query-cpus-fast")) == 2


def test_32_bit_kernel(tmp_path: Path) -> None:
    source = tmp_path / "k.S"
    header = ".align 4\n.long 0x1badb002, 0, -0x1badb002\n"
    source.write_text((TALK / "pvh.S").read_text().replace("start:\n", f"{header}start:\n", 1))
    elf = tmp_path / "k.elf"
    command = ["gcc", "-m32", "-g", "-nostdlib", "-static", "-Wl,-e,start,-z,noseparate-code"]
    command.append("-Wl,-Ttext-segment=0x100000")
    subprocess.run([*command, "-o", elf, source], check=True)
    with Machine.start(configure(tmp_path, elf, 'prompt = "> "')) as machine:
        assert machine.gdb.symbol("start") >> 12 == 0x100
        assert machine.gdb.registers()["rip"] >> 12 == 0x100


def test_q35_with_several_processors_and_a_module(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("module")
    more = {
        "machine.type": "q35",
        "machine.smp": "2,sockets=2",
        "kernel.modules": [f"{tmp_path}/m.txt a"],
    }
    keys = 'prompt = "> "\nconsole = "com4"'
    elf = build(tmp_path, "TORN", "-DCOM=0x2e8")
    with Machine.start(configure(tmp_path, elf, keys, **more)) as machine:
        assert machine.command("x") == "said x"
        assert len(machine.qmp.command("query-cpus-fast")) == 2
        snapshot = machine.freeze()
        machine.restore(snapshot)
        assert machine.command("y") == "said y"


def test_a_32_bit_kernel_that_crashes_is_explained(tmp_path: Path) -> None:
    text = (TALK / "pvh.S").read_text()
    header = ".align 4\n.long 0x1badb002, 0, -0x1badb002\n"
    source = tmp_path / "k.S"
    source.write_text(text.replace("start:\n", f"{header}start:\n", 1).replace("cli\n", "ud2\n"))
    elf = tmp_path / "k.elf"
    command = ["gcc", "-m32", "-g", "-nostdlib", "-static", "-Wl,-e,start,-z,noseparate-code"]
    command += ["-Wl,-Ttext-segment=0x100000", "-o", str(elf), str(source)]
    subprocess.run(command, check=True)
    with pytest.raises(Ended, match="triple fault") as caught:
        Machine.start(configure(tmp_path, elf, 'prompt = "$ "'))
    assert re.search(r"#UD invalid opcode, at \S+ \(.*k\.S:\d+\)", str(caught.value.explanation))
    with Machine.start(configure(tmp_path, elf, 'ready = {function = "start"}')) as machine:
        assert machine.boot_text == ""


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("-DREPORTED", ("halted: #UD invalid opcode, at crash+0x", "report+0x")),
        ("-DCALLED", ("called by crash+0x", "narrow_main+0x")),
    ],
)
def test_32_bit_kernels_are_explained(tmp_path: Path, option: str, words: tuple[str, ...]) -> None:
    flags = ["-m32", "-g", "-O1", "-ffreestanding", "-fno-pic", "-mgeneral-regs-only", option]
    flags += ["-fno-omit-frame-pointer", "-nostdlib", "-static", "-Wl,-e,start"]
    layout = ("-Wl,-z,noseparate-code,-Ttext-segment=0x100000", "-Wl,--build-id=none")
    elf = tmp_path / "narrow.elf"
    source = TALK.parent / "narrow" / "narrow.c"
    subprocess.run(["gcc", *flags, *layout, source, "-o", elf], check=True)
    with pytest.raises(Ended) as caught:
        Machine.start(configure(tmp_path, elf, ""))
    explanation = caught.value.explanation
    assert explanation is not None
    text = f"{explanation.summary}\n{explanation}"
    assert all(each in text for each in words), text


LAST_CALL = """
    .text
    .long 0x1badb002, 0, -0x1badb002
    .type fails, @function
fails:
    ud2
    .globl start
start:
    movl $stack_top, %esp
    xorl %ebp, %ebp
    call fails
    .bss
    .skip 4096
stack_top:
"""


def test_a_call_that_is_the_last_of_all_instructions_has_a_caller(tmp_path: Path) -> None:
    """As of what does not return: the address behind it is in no code."""
    elf, source = tmp_path / "k.elf", tmp_path / "k.S"
    source.write_text(LAST_CALL)
    flags = ("-m32", "-g", "-nostdlib", "-static", "-Wl,-e,start,-Ttext-segment=0x100000")
    subprocess.run(["gcc", *flags, "-o", elf, source], check=True)
    with pytest.raises(Ended) as caught:
        Machine.start(configure(tmp_path, elf, ""))
    explanation = caught.value.explanation
    assert explanation is not None
    assert [each.symbol.partition("+")[0] for each in explanation.callers] == ["start"]


def image(folder: Path) -> Path:
    elf = link(folder, "sector.S", "-m32", "-Wl,-Ttext,0x7c00")
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", elf, folder / "disk.img"], check=True)
    return folder / "disk.img"


def test_a_disk_image(tmp_path: Path) -> None:
    disk = image(tmp_path)
    config = load(None, {"kernel.image": disk, "kernel.prompt": "> "})
    with Machine.start(config) as machine:
        assert machine.boot_text == "sector"
        assert machine.registers().startswith("CPU#0\nEAX=")


@pytest.mark.parametrize("kind", ["floppy", "qcow2", "with another disk"])
def test_images_of_other_kinds(tmp_path: Path, kind: str) -> None:
    disk = image(tmp_path)
    more: dict[str, object] = {"kernel.image": disk, "kernel.prompt": "> "}
    if kind == "floppy":
        os.truncate(disk, 1474560)
    elif kind == "qcow2":
        content = disk.read_bytes()
        write_qcow2(disk, 512)
        disk.write_bytes(holding(disk.read_bytes(), content))
    else:
        (tmp_path / "data.img").write_bytes(bytes(1 << 16))
        more["machine.disks"] = [str(tmp_path / "data.img")]
    before = disk.read_bytes()
    with Machine.start(load(None, more)) as machine:
        assert machine.boot_text == "sector"
        names = [each["device"] for each in machine.qmp.command("query-block") if each["device"]]
        assert any(name.startswith("floppy") for name in names) is (kind == "floppy")
    assert disk.read_bytes() == before


def holding(empty: bytes, content: bytes) -> bytes:
    """An empty qcow2 image with the first bytes of its disk written: an L2 table, and a cluster."""
    used = 0x8000_0000_0000_0000
    whole = bytearray(empty.ljust(4 * CLUSTER, b"\0") + bytes(2 * CLUSTER))
    struct.pack_into(">2H", whole, 2 * CLUSTER + 8, 1, 1)
    struct.pack_into(">Q", whole, 3 * CLUSTER, used | 4 * CLUSTER)
    struct.pack_into(">Q", whole, 4 * CLUSTER, used | 5 * CLUSTER)
    whole[5 * CLUSTER : 5 * CLUSTER + len(content)] = content
    return bytes(whole)


def test_what_the_guest_writes_goes_to_an_overlay_and_is_put_back(tmp_path: Path) -> None:
    disk = tmp_path / "data.img"
    disk.write_bytes(bytes(1 << 20))
    disk.chmod(0o444)
    elf = build(tmp_path, "WRITER", "-DDRIVE=0xe0")
    config = configure(tmp_path, elf, 'prompt = "> "', **{"machine.disks": [str(disk)]})
    with Machine.start(config) as machine:
        assert machine.command("r") == "written"
        snapshot = machine.freeze()
        machine.restore(snapshot)
        assert machine.command("r") == "written"
    assert disk.read_bytes() == bytes(1 << 20)


@pytest.mark.parametrize("as_folder", [False, True])
def test_an_efi_application(tmp_path: Path, as_folder: bool) -> None:
    application = tmp_path / "k.efi"
    if as_folder:
        application = tmp_path / "esp/EFI/BOOT/BOOTX64.EFI"
        application.parent.mkdir(parents=True)
    elf = link(tmp_path, "application.S", "-Wl,-Ttext,0")
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", elf, application], check=True)
    before = application.read_bytes()
    image = tmp_path / "esp" if as_folder else application
    config = load(
        None,
        {
            "kernel.image": image,
            "kernel.prompt": "> ",
            "machine.firmware": "uefi",
            "machine.memory": "128M",
            "deadlines.boot": 100,
        },
    )
    with Machine.start(config) as machine:
        assert machine.boot_text.splitlines()[-1].endswith("efi up")
    assert application.read_bytes() == before


@pytest.mark.exhaustive
def test_an_efi_application_that_crashes_is_not_ready(tmp_path: Path) -> None:
    """Not when the firmware has been silent for long, and not when its handler has reported it."""
    application = tmp_path / "k.efi"
    elf = link(tmp_path, "application.S", "-DCRASH", "-Wl,-Ttext,0")
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", elf, application], check=True)
    config = configure(tmp_path, application, "", **{"deadlines.boot": 100})
    with pytest.raises(Ended, match="it fell quiet, but after #UD invalid opcode") as caught:
        Machine.start(config)
    assert "efi up" in caught.value.serial_tail
