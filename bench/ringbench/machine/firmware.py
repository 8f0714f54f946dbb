"""Finding UEFI firmware: distributions agree on OVMF and on little else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringbench.errors import StartError

# Code and the variable store that belongs to it. Debian and Ubuntu; Fedora; Arch; openSUSE.
OVMF = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    ("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
)


@dataclass(frozen=True, slots=True)
class Firmware:
    """UEFI code, and the empty variable store to start from where the code wants one."""

    code: Path
    variables: Path | None


def find_firmware(name: str) -> Firmware | None:
    """Return what `machine.firmware` names; None for the BIOS, which QEMU brings along.

    Raises:
        StartError: no such file, or no OVMF on this machine.
    """
    if name == "bios":
        return None
    if name == "uefi":
        for code, variables in OVMF:
            if Path(code).is_file() and Path(variables).is_file():
                return Firmware(Path(code), Path(variables))
        raise StartError(
            "no UEFI firmware: install OVMF (Debian package ovmf), or name its code file in "
            "machine.firmware"
        )
    code_file = Path(name)
    if not code_file.is_file():
        raise StartError(f"{code_file}: no such firmware; correct machine.firmware")
    beside = code_file.with_name(code_file.name.replace("CODE", "VARS").replace("code", "vars"))
    return Firmware(code_file, beside if beside != code_file and beside.is_file() else None)
