"""The plugin, compiled on this machine for the QEMU that will load it, and kept for next time."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ringbench.errors import StartError

SOURCES: Final = Path(__file__).parent / "plugin"
FLAGS: Final = ("-std=gnu17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden")
COMPILERS: Final = ("cc", "gcc", "clang")
SECONDS: Final = 60.0
"""For QEMU to say which it is, and for the compiler: both take far less."""


def plugin_for(qemu: str, folder: Path) -> Path:
    """Return the plugin for a QEMU, compiled now if it never was.

    It is kept in the folder `ringbench` of XDG_CACHE_HOME or ``~/.cache``, by a name that says what
    it was compiled from; where that cannot be written, in `folder`.

    Raises:
        StartError: no such QEMU, one without plugins, or no compiler.
    """
    interface = interface_of(qemu)
    texts = [file.read_bytes() for file in sorted(SOURCES.iterdir())]
    told = [str(interface), *FLAGS]
    digest = hashlib.sha256(b"\0".join([*map(str.encode, told), *texts])).hexdigest()[:20]
    name = f"microscope-{digest}.so"
    for place in (_cache(), folder):
        if (place / name).is_file():
            return place / name
    built = _compile(interface, folder / name)
    try:
        _cache().mkdir(parents=True, exist_ok=True)
        whole = _cache() / f"{name}.{os.urandom(4).hex()}"
        shutil.copyfile(built, whole)
        return whole.replace(_cache() / name)
    except OSError:
        return built


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
    return 1 if number < (9, 0) else 2 if number < (9, 1) else 3


def _said(qemu: str, option: str) -> str:
    """Return what QEMU prints; the text of an error names the key that names QEMU."""
    return _run("machine.qemu", qemu, option).stdout


def _run(what: str, *command: str) -> subprocess.CompletedProcess[str]:
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


def _cache() -> Path:
    """Return where what was compiled is kept (XDG Base Directory Specification)."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path(os.path.expanduser("~/.cache"))
    return base / "ringbench"


def _compile(interface: int, result: Path) -> Path:
    named = os.environ.get("CC", "")
    compiler = next(filter(None, map(shutil.which, (named, *COMPILERS))), None)
    if compiler is None:
        raise StartError(
            "watching needs a C compiler, for the plugin that QEMU loads: install gcc, or name one "
            "in CC"
        )
    units = sorted(map(str, SOURCES.glob("*.c")))
    what = "the plugin's compiler"
    done = _run(what, compiler, *FLAGS, f"-DINTERFACE={interface}", "-o", str(result), *units)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise StartError(f"{compiler}: the plugin cannot be compiled ({last})")
    return result
