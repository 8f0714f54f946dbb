"""Which frames Multiboot modules are in: where their bytes lie, as the loader put them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.errors import ImageError

BEGINNING: Final = 256
"""Bytes that are compared first: most pages differ in them."""


def module_frames(ram: Iterable[tuple[int, memoryview]], modules: Iterable[Path]) -> dict[int, str]:
    """Return the frames that have a part of a module: number -> which module.

    A module lies at the beginning of a page, as QEMU and GRUB load it, and in one piece; one that
    is not there as it is in its file is not found.

    Args:
        ram: physical addresses, multiples of a page, and the memory that begins there.
        modules: the modules' files; of an empty one nothing is found.

    Raises:
        ImageError: a file cannot be read.
    """
    found: dict[int, str] = {}
    files = dict.fromkeys(modules)
    contents = {path: _content(path) for path in files}
    for base, memory in ram:
        for at in range(0, len(memory), PAGE_SIZE):
            for path, content in contents.items():
                beginning = content[:BEGINNING]
                if (
                    content
                    and memory[at : at + len(beginning)] == beginning
                    and memory[at : at + len(content)] == content
                ):
                    first, last = base + at, base + at + len(content) - 1
                    frames = range(first // PAGE_SIZE, last // PAGE_SIZE + 1)
                    found.update(dict.fromkeys(frames, f"a part of module {path.name}"))
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
