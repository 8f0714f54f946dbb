"""QEMU's command line as a pure function of the configuration and a few paths.

Three parts: `guest_arguments` is the machine and what it boots, and the same for the bench and
for a person who boots it by hand; `bench_arguments` connects the bench; `reproduce_command`
gives a person what the bench started, with the console on the terminal.

- Sockets are Unix sockets in a private folder. For outputs and QMP it is the bench that listens
  and QEMU that connects, so that both are there before the guest's first instruction.
- RAM is a shared mapping of a file that the bench holds too. ``reserve=off`` lets a guest be
  larger than the host's memory, as long as it does not touch all of it.
- A reset or power-off pauses the guest instead of losing it, so that registers can still be
  read; QEMU's log of exceptions and resets is where a triple fault is told from other resets, and
  what led to it is seen. What else the user wants logged goes to the same log.
- The guest does not run before the bench says so (``-S``).
- For guest calls there is a device of the bench's, whose memory the bench has mapped as well.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ringbench.config import Config, MachineConfig
from ringbench.errors import ConfigError
from ringbench.machine.firmware import Firmware
from ringbench.machine.media import Drive, Media
from ringbench.machine.own_arguments import log_arguments, without_option
from ringbench.machine.qcow2 import disk_size
from ringbench.machine.translations import Code

RAM_ID = "guest-ram"
COM_PORTS = ("com1", "com2", "com3", "com4")
SCREEN = "vga"
EXIT_DEVICE = "isa-debug-exit,iobase=0xf4,iosize=4"
OWN_ID = "bench-memory"
OWN_SIZE = 2 << 20


@dataclass(frozen=True, slots=True)
class Paths:
    """Where QEMU finds the bench: its sockets, its log, the file that is guest RAM.

    `own` is the file that is the bench's own memory, for a machine with guest calls; `plugin` the
    value of QEMU's option for the microscope, empty for a machine without.

    `outputs` has a socket for each output that is a line, by name: "com1", "debugcon".
    """

    outputs: Mapping[str, Path]
    qmp: Path
    gdb: Path
    log: Path
    ram: Path
    own: Path | None = None
    plugin: str = ""


def qemu_command(
    config: Config,
    paths: Paths,
    firmware: Firmware | None,
    media: Media,
    code: tuple[Code, ...] = (),
) -> tuple[str, ...]:
    """Return the command that the bench starts; `firmware.variables` is a copy to write to.

    With `code`, QEMU also logs what it translates of that.

    Raises:
        ConfigError: a module's path that QEMU's notation cannot carry.
    """
    machine = config.machine
    backend = (
        f"memory-backend-file,id={RAM_ID},size={machine.memory},mem-path={escape(paths.ram)},"
        "share=on,reserve=off"
    )
    return (
        machine.qemu,
        *guest_arguments(config, firmware, media, f",memory-backend={RAM_ID}"),
        *("-object", backend),
        *_own_memory(machine, "" if paths.own is None else escape(paths.own)),
        *bench_arguments(config.machine, paths),
        *(("-plugin", paths.plugin) if paths.plugin else ()),
        *log_arguments(machine.arguments, code, exceptions=machine.log_exceptions),
        *without_option(machine.arguments, "-d"),
    )


def guest_arguments(
    config: Config, firmware: Firmware | None, media: Media, machine_options: str = ""
) -> tuple[str, ...]:
    """Return the arguments that make the guest what it is, whoever boots it."""
    machine = config.machine
    return (
        *("-nodefaults", "-no-user-config", "-display", "none", "-vga", machine.display),
        *("-machine", f"{machine.type},accel={machine.accelerator}{machine_options}"),
        *("-cpu", machine.cpu),
        *("-m", f"{machine.memory // 1024}K"),
        *(("-smp", machine.smp) if machine.smp != "1" else ()),
        *_firmware_arguments(firmware),
        *_boot_arguments(config, media),
        *_exit_device(config),
        *(("-device", f"ivshmem-plain,memdev={OWN_ID},master=on") if machine.guest_calls else ()),
    )


def bench_arguments(machine: MachineConfig, paths: Paths) -> tuple[str, ...]:
    """Return the arguments that connect QEMU to the bench."""
    return (
        *_output_arguments(machine, paths.outputs),
        *("-chardev", f"socket,id=qmp,path={escape(paths.qmp)}"),
        *("-mon", "chardev=qmp,mode=control"),
        *("-chardev", f"socket,id=gdb,path={escape(paths.gdb)},server=on,wait=off"),
        *("-gdb", "chardev:gdb"),
        *("-action", "reboot=shutdown,shutdown=pause,panic=pause"),
        *("-D", str(paths.log)),
        "-S",
    )


def reproduce_command(config: Config, firmware: Firmware | None, media: Media) -> str:
    """Return a shell command that boots the same guest with its console on the terminal."""
    spaced = dict(enumerate(spaced_modules(config), 3))
    named = with_modules_at(config, {path: number for number, path in spaced.items()})
    arguments = guest_arguments(named, firmware, media)
    before = (media.preparation, "&&") if media.preparation else ()
    words = (
        config.machine.qemu,
        *(a.replace(",unit=1", ",unit=1,snapshot=on") for a in arguments),
        *_own_memory(config.machine),
        *_terminal_arguments(config),
        "-no-reboot",
        *config.machine.arguments,
    )
    opened = (f"{number}<{shlex.quote(str(path))}" for number, path in spaced.items())
    return " ".join((*before, shlex.join(words), *opened))


def spaced_modules(config: Config) -> tuple[Path, ...]:
    """Return the modules whose path QEMU would take to end at a space in it."""
    return tuple(
        dict.fromkeys(each.path for each in config.kernel.modules if " " in str(each.path))
    )


def with_modules_at(config: Config, descriptors: Mapping[Path, int]) -> Config:
    """Return the configuration with some modules named by a descriptor on which QEMU has them."""
    modules = tuple(
        replace(each, path=Path(f"/proc/self/fd/{descriptors[each.path]}"))
        if each.path in descriptors
        else each
        for each in config.kernel.modules
    )
    return replace(config, kernel=replace(config.kernel, modules=modules))


def has_exit_device(config: Config) -> bool:
    """Whether the guest can end QEMU with a value of its own."""
    arguments = (*config.machine.arguments, *_exit_device(config))
    return any("isa-debug-exit" in argument for argument in arguments)


def lines_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the outputs are lines, each with a socket of its own; not the screen."""
    return tuple(name for name in names if name != SCREEN)


def _output_arguments(machine: MachineConfig, sockets: Mapping[str, Path]) -> tuple[str, ...]:
    arguments: list[str] = []
    for name, path in sockets.items():
        arguments += ["-chardev", f"socket,id={name},path={escape(path)}"]
    ports = [name for name in COM_PORTS if name in sockets]
    for name in COM_PORTS[: COM_PORTS.index(ports[-1]) + 1] if ports else ():
        arguments += ["-serial", f"chardev:{name}" if name in ports else "none"]
    if "debugcon" in sockets:
        device = f"isa-debugcon,iobase={machine.debugcon:#x},chardev=debugcon"
        arguments += ["-device", device]
    return tuple(arguments)


def _terminal_arguments(config: Config) -> tuple[str, ...]:
    console = config.kernel.console
    if console == SCREEN:
        return ("-display", "curses")
    if console == "debugcon":
        device = f"isa-debugcon,iobase={config.machine.debugcon:#x},chardev=debugcon"
        return ("-chardev", "stdio,id=debugcon", "-device", device)
    empty = COM_PORTS.index(console)
    return (*("-serial", "none") * empty, "-serial", "stdio")


def _exit_device(config: Config) -> tuple[str, ...]:
    outcomes = (config.kernel.passed, config.kernel.failed)
    wanted = any(outcome is not None and outcome.exit is not None for outcome in outcomes)
    own = any("isa-debug-exit" in argument for argument in config.machine.arguments)
    return ("-device", EXIT_DEVICE) if wanted and not own else ()


def escape(value: object) -> str:
    """Return `value` for the inside of a QEMU option, where a comma is written twice."""
    return str(value).replace(",", ",,")


def _own_memory(machine: MachineConfig, file: str = "") -> tuple[str, ...]:
    """Return what makes the bench's own memory; without a `file`, it is memory of QEMU's alone."""
    if not machine.guest_calls:
        return ()
    kind = f"memory-backend-file,mem-path={file}" if file else "memory-backend-ram"
    return ("-object", f"{kind},id={OWN_ID},size={OWN_SIZE},share=on")


def _firmware_arguments(firmware: Firmware | None) -> tuple[str, ...]:
    if firmware is None:
        return ()
    flash = "if=pflash,format=raw"
    code = ("-drive", f"{flash},unit=0,readonly=on,file={escape(firmware.code)}")
    if firmware.variables is None:
        return code
    return (*code, "-drive", f"{flash},unit=1,file={escape(firmware.variables)}")


def _boot_arguments(config: Config, media: Media) -> tuple[str, ...]:
    kernel = config.kernel
    arguments: list[str] = []
    if media.disc is not None:
        arguments += ["-cdrom", str(media.disc)]
    if media.kernel is not None:
        arguments += ["-kernel", str(media.kernel)]
    if kernel.command_line:
        arguments += ["-append", kernel.command_line]
    if kernel.modules:
        arguments += ["-initrd", ",".join(_module(m.path, m.arguments) for m in kernel.modules)]
    if media.disc is not None and media.drives:
        arguments += ["-boot", "d"]
    elif len(media.drives) > 1 and media.drives[0].interface == "floppy":
        arguments += ["-boot", "a"]
    for number, drive in enumerate(media.drives):
        arguments += ["-drive", _drive(drive, number)]
        if drive.serial:
            arguments += ["-device", _virtio_disk(drive.serial, number)]
    return tuple(arguments)


def overlay_names(media: Media) -> tuple[str, ...]:
    """Return QEMU's names of the guest's disks."""
    return tuple(disk_node(number) for number in range(len(media.drives)))


def disk_node(number: int) -> str:
    """Return QEMU's name of what a disk holds."""
    return f"ringbench-disk{number}"


def disk_device(number: int) -> str:
    """Return QEMU's name of the device of a disk that has a serial string."""
    return f"disk{number}"


def _virtio_disk(serial: str, number: int) -> str:
    """Return the device of a disk with a serial string; the guest is told of errors at once."""
    return (
        f"virtio-blk-pci,id={disk_device(number)},drive=drive{number},serial={serial},"
        "rerror=report,werror=report"
    )


def _drive(drive: Drive, number: int) -> str:
    if drive.source is None:
        return _blank_drive(drive, number)
    source = escape(drive.source)
    attached = f"none,id=drive{number}" if drive.serial else drive.interface
    is_folder = drive.source.is_dir()
    plain = is_folder or not drive.source.is_file() or disk_size(drive.source) is None
    form = "raw" if plain else "qcow2"
    if drive.overlay is None:
        name = f"fat:{source}" if is_folder else source
        return f"if={attached},format={form},file={name},snapshot=on"
    if is_folder:
        backing = f"backing.driver=vvfat,backing.dir={source},backing.fat-type=16"
    else:
        backing = f"backing.driver={form},backing.file.driver=file,backing.file.filename={source}"
    return (
        f"if={attached},format=qcow2,node-name={disk_node(number)},"
        f"file={escape(drive.overlay)},{backing}"
    )


def _blank_drive(drive: Drive, number: int) -> str:
    attached = f"if=none,id=drive{number}"
    if drive.overlay is None:
        return f"{attached},driver=null-co,size={drive.size},read-zeroes=on,snapshot=on"
    node, file = disk_node(number), escape(drive.overlay)
    return f"{attached},format=qcow2,node-name={node},file={file}"


def _module(path: Path, arguments: str) -> str:
    if " " in str(path):
        raise ConfigError(
            f"kernel.modules: {path}: QEMU takes a module's name to end at the first space"
        )
    return escape(f"{path} {arguments}".rstrip())
