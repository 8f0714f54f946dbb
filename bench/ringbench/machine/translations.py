"""Asking QEMU to log the kernel code that it translates, from which coverage is read.

QEMU's emulator translates a block of guest code when it is first about to run it, and `-d in_asm`
logs every block that it translates. So a log that is filtered to the kernel's code costs next to
nothing, needs no instrumented kernel, and names every instruction that ran at least once.

The logs of all machines lie in one folder (`machine.translations` of the configuration), a file
for each QEMU, named after the kernel's ELF file by its contents: a kernel that was rebuilt, or
changed by a test, is another kernel. A machine that is restored keeps its QEMU, so it goes on
with the same log.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ringbench.debuginfo.elf import LARGEST, load_segments
from ringbench.errors import ImageError, StartError
from ringbench.files import read_bytes

BUILD_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Code:
    """A segment of the kernel that may be executed: where it is linked to run, and its bytes."""

    base: int
    content: bytes

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.base + len(self.content)


def build_id(elf: Path) -> str:
    """Return what tells this build of a kernel from every other: a hash of the file.

    Raises:
        ImageError: it cannot be read.
    """
    import hashlib

    data = read_bytes(elf, "kernel", LARGEST, ImageError)
    return hashlib.sha256(data).hexdigest()[:BUILD_DIGITS]


def code_of(elf: Path) -> tuple[Code, ...]:
    """Return the executable segments of `elf`.

    By virtual address: code that runs before paging is on is among them if it is linked to run
    where it is loaded, as it must be unless it is position-independent.

    Raises:
        ImageError: not an ELF file, or a damaged one.
    """
    return tuple(
        Code(segment.vaddr, segment.content)
        for segment in load_segments(elf)
        if segment.executable and segment.content
    )


def code_filter(code: tuple[Code, ...]) -> tuple[str, ...]:
    """Return QEMU's arguments that limit its log of translated blocks to those in `code`.

    They leave its log of exceptions as it is.
    """
    if not code:
        return ()
    ranges = ",".join(f"{piece.base:#x}+{len(piece.content):#x}" for piece in code)
    return ("-dfilter", ranges)


def new_log(folder: Path, elf: Path, machine: str) -> Path:
    """Make the folder, and return the log's path in it of the machine with this unique name.

    Raises:
        StartError: there is no writing in that folder.
    """
    path = folder / f"{build_id(elf)}-{machine}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise StartError(
            f"{folder}: QEMU's log of translated code cannot be kept there ({error.strerror})"
        ) from None
    return path
