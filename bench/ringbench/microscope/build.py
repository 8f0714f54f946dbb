"""The plugin, compiled on this machine for the QEMU that will load it, and kept for next time."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

from ringbench.errors import StartError
from ringbench.microscope.programs import cache, compiler, interface_of, run

SOURCES: Final = Path(__file__).parent / "plugin"
FLAGS: Final = ("-std=gnu17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden")


def plugin_for(qemu: str, folder: Path) -> Path:
    """Return the plugin for a QEMU, compiled now if it never was.

    It is kept in the bench's cache, by a name that says what it was compiled from; where that
    cannot be written, in `folder`.

    Raises:
        StartError: no such QEMU, one without plugins, or no compiler.
    """
    interface = interface_of(qemu)
    texts = [file.read_bytes() for file in sorted(SOURCES.iterdir())]
    told = [str(interface), *FLAGS]
    digest = hashlib.sha256(b"\0".join([*map(str.encode, told), *texts])).hexdigest()[:20]
    name = f"microscope-{digest}.so"
    for place in (cache(), folder):
        if (place / name).is_file():
            return place / name
    built = _compile(interface, folder / name)
    try:
        cache().mkdir(parents=True, exist_ok=True)
        whole = cache() / f"{name}.{os.urandom(4).hex()}"
        shutil.copyfile(built, whole)
        return whole.replace(cache() / name)
    except OSError:
        return built


def _compile(interface: int, result: Path) -> Path:
    command = compiler()
    if command is None:
        raise StartError(
            "watching needs a C compiler, for the plugin that QEMU loads: install gcc, or name one "
            "in CC"
        )
    units = sorted(map(str, SOURCES.glob("*.c")))
    what = "the plugin's compiler"
    done = run(what, command, *FLAGS, f"-DINTERFACE={interface}", "-o", str(result), *units)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise StartError(f"{command}: the plugin cannot be compiled ({last})")
    return result
