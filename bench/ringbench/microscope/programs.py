"""The programs that the plugin needs: a QEMU that can load it, and a C compiler."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ringbench.errors import StartError

COMPILERS: Final = ("cc", "gcc", "clang")
REGISTERS: Final = 3
"""The version of the plugin interface from which registers can be read: QEMU 9.1 has it."""

SECONDS: Final = 60.0
"""For a program to say which it is, and for the compiler: both take far less."""


def interface_of(qemu: str) -> int:
    """Return the version of the plugin interface that a QEMU has: 1 to 3, as interface.h says.

    Raises:
        StartError: no such QEMU, or one without plugins.
    """
    version = re.search(r"version (\d+)\.(\d+)", _said(qemu, "--version"))
    if version is None:
        raise StartError(f"machine.qemu: {qemu} does not say which version of QEMU it is")
    if "-plugin " not in _said(qemu, "-help"):
        raise StartError(
            f"machine.qemu: {qemu} was built without plugins (--enable-plugins), which alone see "
            "the guest's memory accesses; Debian's QEMU has them"
        )
    number = int(version[1]), int(version[2])
    return 1 if number < (9, 0) else 2 if number < (9, 1) else REGISTERS


def compiler() -> str | None:
    """Return the C compiler that is used: the one that CC names, or the first that is there."""
    named = os.environ.get("CC", "")
    return next(filter(None, map(shutil.which, (named, *COMPILERS))), None)


def cache() -> Path:
    """Return the folder of what can be made again (XDG Base Directory Specification).

    It is `ringbench` in XDG_CACHE_HOME or ``~/.cache``, and need not be there.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path(os.path.expanduser("~/.cache"))
    return base / "ringbench"


def unpacked_qemu() -> str | None:
    """Return the QEMU with registers that the set-up has unpacked (tools/newer_qemu.sh), if any."""
    return shutil.which(str(cache() / "qemu" / "qemu-system-x86_64"))


def run(what: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run something to its end, which is `what` in a message.

    Raises:
        StartError: it cannot be started, or does not end.
    """
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise StartError(f"{what}: {command[0]} cannot be started ({error})") from None
    except subprocess.TimeoutExpired:
        raise StartError(f"{what}: {command[0]} did not end within {SECONDS:g} s") from None


def _said(qemu: str, option: str) -> str:
    """Return what QEMU prints; the text of an error names the key that names QEMU."""
    return run("machine.qemu", qemu, option).stdout
