"""QEMU's command line, and the one that a person gets to reproduce a run."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from ringbench.config import Config, KernelConfig, MachineConfig, Module, Outcome
from ringbench.errors import ConfigError, StartError
from ringbench.machine.command import Paths, escape, qemu_command, reproduce_command
from ringbench.machine.firmware import Firmware, find_firmware
from ringbench.machine.media import Drive, Media
from ringbench.machine.own_arguments import own_log

PATHS = Paths(
    outputs={"com1": Path("/p/com1"), "debugcon": Path("/p/debugcon")},
    qmp=Path("/p/qmp"),
    gdb=Path("/p/g,db"),
    log=Path("/p/qemu.log"),
    ram=Path("/proc/self/fd/7"),
)


KERNEL = Media(kernel=Path("/k32.elf"))


def make(machine: MachineConfig | None = None, **kernel: object) -> Config:
    base = KernelConfig(elf=Path("/k.elf"), image=Path("/k32.elf"), prompt="> ")
    changed = replace(base, **kernel)  # type: ignore[arg-type]
    return Config(changed, Path("/ringbench.toml"), machine or MachineConfig())


def value(command: tuple[str, ...], option: str) -> str:
    assert command.count(option) == 1
    return command[command.index(option) + 1]


def test_plain_kernel() -> None:
    command = qemu_command(make(), PATHS, None, KERNEL)
    assert command[0] == "qemu-system-x86_64"
    assert value(command, "-machine") == "pc,accel=tcg,memory-backend=guest-ram"
    assert value(command, "-m") == "65536K"
    assert value(command, "-cpu") == "max"
    assert value(command, "-kernel") == "/k32.elf"
    assert value(command, "-object") == (
        "memory-backend-file,id=guest-ram,size=67108864,mem-path=/proc/self/fd/7,"
        "share=on,reserve=off"
    )
    for absent in ("-append", "-initrd", "-cdrom", "-drive"):
        assert absent not in command


def test_memory_of_the_benchs_own_is_there_if_functions_are_to_be_called() -> None:
    config, device = make(MachineConfig(guest_calls=True)), "ivshmem-plain,memdev=bench-memory"
    command = qemu_command(config, replace(PATHS, own=Path("/proc/self/fd/9")), None, KERNEL)
    own = "mem-path=/proc/self/fd/9,id=bench-memory,size=2097152,share=on"
    assert f"memory-backend-file,{own}" in command
    assert f"{device},master=on" in command
    by_hand = reproduce_command(config, None, KERNEL)
    assert f"-device {device},master=on" in by_hand
    assert "memory-backend-ram,id=bench-memory,size=2097152,share=on" in by_hand
    assert not any("bench-memory" in each for each in qemu_command(make(), PATHS, None, KERNEL))


def test_no_tcp_port_and_nothing_of_the_users_settings() -> None:
    command = qemu_command(make(), PATHS, None, KERNEL)
    assert "-nodefaults" in command
    assert "-no-user-config" in command
    assert not any("tcp" in argument or argument == "-s" for argument in command)


def test_bench_listens_for_serial_and_qmp_and_qemu_for_gdb() -> None:
    command = qemu_command(make(), PATHS, None, KERNEL)
    assert "socket,id=com1,path=/p/com1" in command
    assert "socket,id=qmp,path=/p/qmp" in command
    assert "socket,id=gdb,path=/p/g,,db,server=on,wait=off" in command


def test_a_dead_guest_stays_to_be_looked_at() -> None:
    command = qemu_command(make(), PATHS, None, KERNEL)
    assert value(command, "-action") == "reboot=shutdown,shutdown=pause,panic=pause"
    assert value(command, "-D") == "/p/qemu.log"
    assert value(command, "-d") == "int,cpu_reset"
    assert "-S" in command


def test_exceptions_need_not_be_logged() -> None:
    command = qemu_command(make(MachineConfig(log_exceptions=False)), PATHS, None, KERNEL)
    assert value(command, "-d") == "cpu_reset"


def test_what_the_user_wants_logged_is_logged_beside() -> None:
    own = ("-d", "int,guest_errors", "-smp", "2", "--d", "in_asm", "-D", "mine.log")
    command = qemu_command(make(MachineConfig(arguments=own)), PATHS, None, KERNEL)
    assert value(command, "-d") == "int,cpu_reset,guest_errors,in_asm"
    assert "--d" not in command
    assert command[-4:] == ("-smp", "2", "-D", "mine.log")
    assert own_log(own) == Path("mine.log").absolute()
    assert own_log(("-smp", "2")) is None


def test_a_missing_argument_is_left_for_qemu_to_complain_of() -> None:
    command = qemu_command(make(MachineConfig(arguments=("-S", "-d"))), PATHS, None, KERNEL)
    assert command[-2:] == ("-S", "-d")


def test_command_line_and_modules_keep_their_commas() -> None:
    modules = (Module(Path("/m,1"), "a,b c"), Module(Path("/m2")))
    command = qemu_command(make(command_line="x=1,y=2", modules=modules), PATHS, None, KERNEL)
    assert value(command, "-append") == "x=1,y=2"
    assert value(command, "-initrd") == "/m,,1 a,,b c,/m2"


def test_module_path_with_a_space_is_refused() -> None:
    config = make(modules=(Module(Path("/a b/m"), "x"),))
    with pytest.raises(ConfigError, match="/a b/m"):
        qemu_command(config, PATHS, None, KERNEL)


def test_iso_is_a_disc() -> None:
    command = qemu_command(make(image=Path("/k.iso")), PATHS, None, Media(disc=Path("/k.iso")))
    assert value(command, "-cdrom") == "/k.iso"
    assert "-kernel" not in command


def test_uefi_is_two_flash_chips() -> None:
    firmware = Firmware(Path("/code.fd"), Path("/vars.fd"))
    command = qemu_command(make(image=Path("/k.iso")), PATHS, firmware, Media(disc=Path("/k.iso")))
    drives = [command[i + 1] for i, a in enumerate(command) if a == "-drive"]
    assert drives == [
        "if=pflash,format=raw,unit=0,readonly=on,file=/code.fd",
        "if=pflash,format=raw,unit=1,file=/vars.fd",
    ]


def test_a_disk_is_an_overlay_and_its_image_is_only_read() -> None:
    drive = Drive(Path("/a,b.img"), "virtio", Path("/p/disk0.qcow2"))
    command = qemu_command(make(), PATHS, None, Media(drives=(drive,)))
    assert value(command, "-drive") == (
        "if=virtio,format=qcow2,node-name=ringbench-disk0,file=/p/disk0.qcow2,"
        "backing.driver=raw,backing.file.driver=file,backing.file.filename=/a,,b.img"
    )
    by_hand = reproduce_command(make(), None, Media(drives=(replace(drive, overlay=None),)))
    assert "if=virtio,format=raw,file=/a,,b.img,snapshot=on" in shlex.split(by_hand)


def test_outputs_are_ports_in_their_order() -> None:
    paths = replace(PATHS, outputs={"com3": Path("/p/3"), "com1": Path("/p/1")})
    command = qemu_command(make(), paths, None, KERNEL)
    ports = [command[i + 1] for i, a in enumerate(command) if a == "-serial"]
    assert ports == ["chardev:com1", "none", "chardev:com3"]
    assert "-device" not in command


@pytest.mark.parametrize(
    ("console", "words"),
    [
        ("com1", "-serial stdio"),
        ("com2", "-serial none -serial stdio"),
        ("debugcon", "-chardev stdio,id=debugcon -device isa-debugcon,iobase=0x402,"),
        ("vga", "-display curses"),
    ],
)
def test_reproduce_has_the_console_on_the_terminal(console: str, words: str) -> None:
    config = make(MachineConfig(debugcon=0x402), console=console)
    assert words in reproduce_command(config, None, KERNEL)


def test_exit_device_is_there_where_an_exit_status_decides() -> None:
    decided = make(passed=Outcome(exit=33))
    assert "isa-debug-exit" in " ".join(qemu_command(decided, PATHS, None, KERNEL))
    own = MachineConfig(arguments=("-device", "isa-debug-exit,iobase=0x501"))
    both = " ".join(qemu_command(replace(decided, machine=own), PATHS, None, KERNEL))
    assert both.count("isa-debug-exit") == 1
    assert "isa-debug-exit" not in " ".join(qemu_command(make(), PATHS, None, KERNEL))


def test_own_arguments_come_last() -> None:
    machine = MachineConfig(arguments=("-smp", "2"))
    assert qemu_command(make(machine), PATHS, None, KERNEL)[-2:] == ("-smp", "2")
    assert shlex.split(reproduce_command(make(machine), None, KERNEL))[-2:] == ["-smp", "2"]


def test_reproduce_is_a_shell_command_without_the_bench() -> None:
    firmware = Firmware(Path("/code.fd"), Path("/vars.fd"))
    config = make(command_line="it's $HOME; rm -rf")
    words = shlex.split(reproduce_command(config, firmware, KERNEL))
    assert words[words.index("-append") + 1] == "it's $HOME; rm -rf"
    assert words[words.index("-serial") + 1] == "stdio"
    assert "if=pflash,format=raw,unit=1,snapshot=on,file=/vars.fd" in words
    assert not any("/p/" in word or "memory-backend" in word for word in words)


def test_escape() -> None:
    assert escape("a,b,,c") == "a,,b,,,,c"


def test_firmware_names(tmp_path: Path) -> None:
    code, variables = tmp_path / "X_CODE.fd", tmp_path / "X_VARS.fd"
    with pytest.raises(StartError, match="no such firmware"):
        find_firmware(str(code))
    code.touch()
    assert find_firmware(str(code)) == Firmware(code, None)
    variables.touch()
    assert find_firmware(str(code)) == Firmware(code, variables)
    assert find_firmware("bios") is None
