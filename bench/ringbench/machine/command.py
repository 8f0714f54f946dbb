"""QEMU's command line as a pure function of the configuration and a few paths.

Three parts: `guest_arguments` is the machine and what it boots, and the same for the bench and
for a person who boots it by hand; `bench_arguments` connects the bench; `reproduce_command`
gives a person what the bench started, with the console on the terminal.

- Sockets are Unix sockets in a private folder. For serial and QMP it is the bench that listens
  and QEMU that connects, so that both are there before the guest's first instruction.
- RAM is a shared mapping of a file that the bench holds too. ``reserve=off`` lets a guest be
  larger than the host's memory, as long as it does not touch all of it.
- A reset or power-off pauses the guest instead of losing it, so that registers can still be
  read; QEMU's log of exceptions and resets is where a triple fault is told from other resets, and
  what led to it is seen. What else the user wants logged goes to the same log.
- The guest does not run before the bench says so (``-S``).
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ringbench.config import Config, KernelConfig
from ringbench.errors import ConfigError
from ringbench.machine.firmware import Firmware
from ringbench.machine.translations import Code, code_filter

RAM_ID = "guest-ram"
LOGGED = ("int", "cpu_reset")
"""What QEMU logs for the bench."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where QEMU finds the bench: three sockets, its log, and the file that is guest RAM."""

    serial: Path
    qmp: Path
    gdb: Path
    log: Path
    ram: Path


def qemu_command(
    config: Config, paths: Paths, firmware: Firmware | None, code: tuple[Code, ...] = ()
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
        *guest_arguments(config, firmware, f",memory-backend={RAM_ID}"),
        *("-object", backend),
        *bench_arguments(paths),
        *log_arguments(machine.arguments, code),
        *without_option(machine.arguments, "-d"),
    )


def guest_arguments(
    config: Config, firmware: Firmware | None, machine_options: str = ""
) -> tuple[str, ...]:
    """Return the arguments that make the guest what it is, whoever boots it."""
    machine = config.machine
    return (
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *("-machine", f"pc,accel={machine.accelerator}{machine_options}"),
        *("-cpu", machine.cpu),
        *("-m", f"{machine.memory // 1024}K"),
        *_firmware_arguments(firmware),
        *_boot_arguments(config.kernel),
    )


def bench_arguments(paths: Paths) -> tuple[str, ...]:
    """Return the arguments that connect QEMU to the bench."""
    return (
        *("-chardev", f"socket,id=serial,path={escape(paths.serial)}"),
        *("-serial", "chardev:serial"),
        *("-chardev", f"socket,id=qmp,path={escape(paths.qmp)}"),
        *("-mon", "chardev=qmp,mode=control"),
        *("-chardev", f"socket,id=gdb,path={escape(paths.gdb)},server=on,wait=off"),
        *("-gdb", "chardev:gdb"),
        *("-action", "reboot=shutdown,shutdown=pause,panic=pause"),
        *("-D", str(paths.log)),
        "-S",
    )


def log_arguments(arguments: tuple[str, ...], code: tuple[Code, ...]) -> tuple[str, ...]:
    """Return what QEMU is to log: what the bench needs, and what the user's `arguments` ask for.

    QEMU heeds only the last ``-d`` that it is given.
    """
    wanted = [*LOGGED, *(("in_asm",) if code else ())]
    wanted += [item for items in values_of(arguments, "-d") for item in items.split(",")]
    return ("-d", ",".join(dict.fromkeys(wanted)), *code_filter(code))


def own_log(arguments: tuple[str, ...]) -> Path | None:
    """Return the file that the user has QEMU log to, if there is one."""
    files = values_of(arguments, "-D")
    return Path(files[-1]).absolute() if files else None


def values_of(arguments: tuple[str, ...], option: str) -> list[str]:
    """Return what follows each `option`; QEMU takes it with one dash or two."""
    pairs = itertools.pairwise(arguments)
    return [value for name, value in pairs if name in (option, f"-{option}")]


def without_option(arguments: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Return the arguments without each `option` and what follows it."""
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument in (option, f"-{option}"):
            next(rest, None)
        else:
            kept.append(argument)
    return tuple(kept)


def reproduce_command(config: Config, firmware: Firmware | None) -> str:
    """Return a shell command that boots the same guest with its console on the terminal."""
    spaced = dict(enumerate(spaced_modules(config), 3))
    named = with_modules_at(config, {path: number for number, path in spaced.items()})
    words = (
        config.machine.qemu,
        *(a.replace(",unit=1", ",unit=1,snapshot=on") for a in guest_arguments(named, firmware)),
        *("-serial", "stdio", "-no-reboot"),
        *config.machine.arguments,
    )
    opened = (f"{number}<{shlex.quote(str(path))}" for number, path in spaced.items())
    return " ".join((shlex.join(words), *opened))


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


def escape(value: object) -> str:
    """Return `value` for the inside of a QEMU option, where a comma is written twice."""
    return str(value).replace(",", ",,")


def _firmware_arguments(firmware: Firmware | None) -> tuple[str, ...]:
    if firmware is None:
        return ()
    flash = "if=pflash,format=raw"
    code = ("-drive", f"{flash},unit=0,readonly=on,file={escape(firmware.code)}")
    if firmware.variables is None:
        return code
    return (*code, "-drive", f"{flash},unit=1,file={escape(firmware.variables)}")


def _boot_arguments(kernel: KernelConfig) -> tuple[str, ...]:
    if kernel.is_iso:
        return ("-cdrom", str(kernel.image))
    arguments = ["-kernel", str(kernel.image)]
    if kernel.command_line:
        arguments += ["-append", kernel.command_line]
    if kernel.modules:
        arguments += ["-initrd", ",".join(_module(m.path, m.arguments) for m in kernel.modules)]
    return tuple(arguments)


def _module(path: Path, arguments: str) -> str:
    if " " in str(path):
        raise ConfigError(
            f"kernel.modules: {path}: QEMU takes a module's name to end at the first space"
        )
    return escape(f"{path} {arguments}".rstrip())
