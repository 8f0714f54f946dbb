"""A file of saved guest memory: which form it has, and what it says of the processor.

Read are a raw dump, whose offsets are physical addresses from 0 on (`--save-dump`, QEMU's
`pmemsave`), and an ELF core (`core_file`). A raw dump has no holes: what the file does not store
reads as zeros, as RAM does that the guest never touched. All else is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringbench.arch.x86_64.address import PAGE_SIZE
from ringbench.arch.x86_64.memory import PhysicalMemory
from ringbench.errors import ConfigError
from ringbench.files import open_regular
from ringbench.machine.core_file import Control, read_core
from ringbench.machine.memory import FileMemory

_ELF: Final = b"\x7fELF"
_OTHERS: Final = {
    b"KDUMP   ": "a compressed dump (kdump)",
    b"DISKDUMP": "a compressed dump (diskdump)",
    b"makedumpfile": "a compressed dump (kdump, flattened by makedumpfile or QEMU)",
    b"PAGEDU64": "a Windows crash dump",
    b"PAGEDUMP": "a Windows crash dump",
    b"EMiL": "a LiME dump",
    b"QEVM": "a migration stream of QEMU",
    b"QFI\xfb": "a qcow2 disk image",
    b"\x1f\x8b": "compressed by gzip",
    b"\xfd7zXZ\0": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"BZh": "compressed by bzip2",
    b"PK\3\4": "a zip archive",
}
"""What other files begin with."""

_FORMS: Final = (
    "give a raw dump of physical memory or an ELF core (QEMU's dump-guest-memory without -z)"
)


@dataclass(frozen=True, slots=True)
class Dump:
    """Saved memory up to `end`; `control` is the first processor's, where the file has it."""

    memory: PhysicalMemory
    end: int
    control: Control | None


@contextmanager
def open_dump(path: Path) -> Iterator[Dump]:
    """Open saved guest memory for the length of a `with`.

    Raises:
        ConfigError: missing, unreadable, or of no form that is read: the text says what it is.
    """
    with open_regular(path, "dump") as file:
        head = file.read(PAGE_SIZE)
        if head.startswith(_ELF):
            core, control = read_core(path, file)
            yield Dump(core, core.end, control)
            return
    _refuse_other(path, head)
    with FileMemory(path) as memory:
        yield Dump(memory, memory.length, None)


def _refuse_other(path: Path, head: bytes) -> None:
    """Refuse what can't be a raw dump, by its first page."""
    if not head:
        raise ConfigError(f"{path}: the file is empty; {_FORMS}")
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise ConfigError(f"{path}: {what}, which is not read; {_FORMS}")
    if _is_text(head):
        raise ConfigError(f"{path}: a text file; {_FORMS}")
    if len(head) < PAGE_SIZE:
        raise ConfigError(f"{path}: {len(head)} bytes, less than one page; {_FORMS}")


def _is_text(head: bytes) -> bool:
    """Tell whether a file begins with text; memory has zeros among its first 4096 bytes."""
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) >= len(head) - 3 and all(
        letter.isprintable() or letter.isspace() for letter in text
    )
