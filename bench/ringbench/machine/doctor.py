"""Which tools this machine has, and what of ringbench works with them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ringbench.config.settings import MachineConfig
from ringbench.errors import StartError
from ringbench.machine.firmware import find_firmware
from ringbench.microscope.programs import REGISTERS, compiler, interface_of, run, unpacked_qemu

SEES: Final = {
    1: "a plugin is told addresses, and finds general registers itself",
    2: "a plugin is told addresses, and finds general registers itself",
    REGISTERS: "a plugin is told addresses and registers",
}
"""What QEMU tells a plugin, by the version of its interface."""

NEWER: Final = "a QEMU of 9.1 or later, whose plugins see registers"


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that ringbench uses.

    `where` is None if it is not there or cannot be used. `said` is what it says of itself, as its
    version, or what is wrong.
    """

    name: str
    where: str | None
    said: str


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that ringbench does; `lacks` says what is not there for it, None if nothing."""

    what: str
    lacks: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """All of it; `interface` is the version of QEMU's plugin interface, None without plugins."""

    tools: tuple[Tool, ...]
    interface: int | None
    abilities: tuple[Ability, ...]

    @property
    def can_boot(self) -> bool:
        """Whether there is a QEMU to boot anything with."""
        return self.abilities[0].lacks is None


def examine(machine: MachineConfig) -> Examination:
    """Look for the tools that a configuration names, and ask each what it is."""
    plugins, interface = _plugins(machine.qemu)
    other = unpacked_qemu()
    tools = (
        _program("QEMU", machine.qemu),
        plugins,
        _program("compiler", compiler() or "cc"),
        _program("GDB", machine.gdb),
        _firmware(),
        *(() if other is None or interface == REGISTERS else (_program("newer QEMU", other),)),
    )
    return Examination(tools, interface, tuple(_abilities(tools, interface)))


def _program(name: str, command: str) -> Tool:
    path = shutil.which(command)
    if path is None:
        return Tool(name, None, f"no {command} on the PATH")
    try:
        said = run(name, path, "--version").stdout.splitlines()
    except StartError as error:
        return Tool(name, None, str(error))
    return Tool(name, path, said[0].strip() if said else "it does not say its version")


def _plugins(qemu: str) -> tuple[Tool, int | None]:
    try:
        interface = interface_of(qemu)
    except StartError as error:
        return Tool("plugins", None, str(error)), None
    return Tool("plugins", f"interface {interface}", SEES[interface]), interface


def _firmware() -> Tool:
    try:
        found = find_firmware("uefi")
    except StartError as error:
        return Tool("UEFI", None, str(error))
    assert found is not None
    return Tool("UEFI", str(found.code), "OVMF")


def _abilities(tools: tuple[Tool, ...], interface: int | None) -> Iterator[Ability]:
    lacking = {tool.name: None if tool.where else tool.said for tool in tools}
    qemu = lacking["QEMU"]
    plugin = qemu or lacking["plugins"] or lacking["compiler"]
    yield Ability("boot, run, hunt, replay, starve, console, pages, why", qemu)
    yield Ability("debug, and functions called by GDB", qemu or lacking["GDB"])
    yield Ability("EFI applications, and other images by UEFI", qemu or lacking["UEFI"])
    yield Ability("watch, and --watch heap, frames, stacks, unwritten", plugin)
    yield Ability(
        "watch, as --watch translations", plugin or (None if interface == REGISTERS else NEWER)
    )
