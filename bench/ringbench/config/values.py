"""One function a kind of value: from what TOML or a command line gives to what the bench uses.

Each takes the raw value and the folder that relative paths start from, and raises `Expected`
with what would have been right; who calls knows the file and the key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from ringbench.config.settings import Disk, Module
from ringbench.config.watch import ALL, SANITIZERS

PAGE = 4096
MIN_MEMORY = 1 << 20
MAX_MEMORY = 1 << 46  # 64 TiB: past what any x86_64 CPU model of QEMU can address as RAM
DAEMON = frozenset({"-daemonize", "--daemonize"})
INTERFACES = ("ide", "virtio", "floppy")
SERIAL = "[A-Za-z0-9_.-]{1,20}"
WATCHES = (*SANITIZERS, "unwritten", "writes", ALL)
LONGEST_PATH = 4096  # limits.h: PATH_MAX, with the NUL at the end
LONGEST_NAME = 255  # limits.h: NAME_MAX
_SUFFIXES = {"": 20, "k": 10, "m": 20, "g": 30, "t": 40}


class Expected(ValueError):
    """A value is not acceptable; the text completes "expected ..."."""


Rule = Callable[[object, Path], object]

LONGEST_SHOWN = 100
"""Characters of a value that a message repeats."""


def shown(value: object) -> str:
    """Return a value for a message: on one line, and cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number with more digits than Python writes, or a nest
        return "such a number" if isinstance(value, int) else "such a value"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def parse_size(text: str) -> int:
    """Return the bytes that a size in QEMU's notation means: "64M", "6G", "512k".

    As for QEMU's ``-m``, a number alone is in MiB.

    Raises:
        ValueError: not a size, or one that no guest can have.
    """
    match = re.fullmatch(r"\s*([0-9]{1,20})\s*([kKmMgGtT]?)\s*", text)
    if match is None:
        raise Expected('a size such as "64M" or "6G"')
    size = int(match[1]) << _SUFFIXES[match[2].lower()]
    if not MIN_MEMORY <= size <= MAX_MEMORY:
        raise Expected("a size from 1M to 64T")
    if size % PAGE != 0:
        raise Expected("a size that is a multiple of 4 KiB")
    return size


def size(value: object, folder: Path) -> int:
    """Memory size in bytes, from text in QEMU's notation."""
    if not isinstance(value, str):
        raise Expected('a size in quotes, such as "64M" or "6G"')
    return parse_size(value)


def yes_or_no(value: object, folder: Path) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Expected("true or false")
    return value


def text(value: object, folder: Path) -> str:
    """Text without a NUL, which no program argument can carry; may be empty."""
    if not isinstance(value, str) or "\0" in value:
        raise Expected("text")
    return value


def word(value: object, folder: Path) -> str:
    """Text that is not empty."""
    if text(value, folder).strip() == "":
        raise Expected("text that is not empty")
    return str(value)


def option_word(value: object, folder: Path) -> str:
    """A name that stands alone within a QEMU option, such as a machine."""
    if re.fullmatch(r"[A-Za-z0-9_.-]+", word(value, folder)) is None:
        raise Expected("one name of letters, digits, '_', '.' or '-'")
    return str(value)


def option_words(value: object, folder: Path) -> str:
    """One name as for `option_word`, or several with colons, of which QEMU takes the first."""
    if re.fullmatch(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*", word(value, folder)) is None:
        raise Expected("one name of letters, digits, '_', '.' or '-', or a list as in \"kvm:tcg\"")
    return str(value)


def processors(value: object, folder: Path) -> str:
    """A number of processors, or text in the notation of QEMU's ``-smp``."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 255:
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9=,]+", value):
        return value
    raise Expected('a number from 1 to 255, or text for QEMU\'s -smp, such as "4,sockets=2"')


def port(value: object, folder: Path) -> int:
    """The number of an I/O port."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 0xFFFF:
        raise Expected("a port from 0 to 0xffff")
    return value


def disks(value: object, folder: Path) -> tuple[Disk, ...]:
    """A list of "file interface"; the interface may be left out, or be "virtio serial=TEXT".

    With a serial string the file may be a size: that many bytes of zeros.
    """
    if not isinstance(value, list | tuple):
        raise Expected('a list of disks, such as ["data.img", "more.img virtio serial=more"]')
    return tuple(item if isinstance(item, Disk) else _disk(item, folder) for item in value)


def _disk(value: object, folder: Path) -> Disk:
    shown = word(value, folder).strip()
    if found := re.fullmatch(rf"(.+) virtio serial=({SERIAL})", shown):
        name, serial = found[1].strip(), found[2]
        if re.fullmatch("[0-9]+[KMG]", name):
            return Disk(None, "virtio", serial, size(name, folder))
        return Disk(path(name, folder), "virtio", serial)
    if re.search(r" serial=\S*$", shown):
        raise Expected(
            'a disk as in "more.img virtio serial=more": only virtio disks have a serial string, '
            "of 1 to 20 letters, digits, '_', '.' or '-'"
        )
    name, _, last = shown.rpartition(" ")
    if name and last in INTERFACES:
        return Disk(path(name.strip(), folder), last)
    return Disk(path(shown, folder))


def flag(value: object, folder: Path) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise Expected("true or false")
    return value


def prompt(value: object, folder: Path) -> str:
    """The prompt's exact text: one line, not empty."""
    shown = text(value, folder)
    if shown.strip() == "" or "\n" in shown or "\r" in shown:
        raise Expected('the exact text of the prompt, on one line, such as "ring> "')
    return shown


def line_end(value: object, folder: Path) -> str:
    """What ends a line that is typed at the kernel."""
    if value not in ("\n", "\r", "\r\n"):
        raise Expected(r'one of "\n", "\r", "\r\n"')
    return str(value)


def pattern(value: object, folder: Path) -> str:
    """A regular expression that can be compiled and does not match the empty line."""
    source = word(value, folder)
    try:
        compiled = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise Expected(f"a regular expression ({error})") from None
    if compiled.search(""):
        raise Expected("a regular expression that does not match an empty line")
    return source


def path(value: object, folder: Path) -> Path:
    """An absolute path; a relative one starts from the folder of the configuration file."""
    name = value if isinstance(value, Path) else word(value, folder)
    absolute = (folder / name).absolute()
    if len(os.fsencode(absolute)) >= LONGEST_PATH or any(
        len(os.fsencode(part)) > LONGEST_NAME for part in absolute.parts
    ):
        raise Expected("a path of less than 4,096 bytes, each name in it of at most 255")
    return absolute


def paths(value: object, folder: Path) -> tuple[Path, ...]:
    """A list of paths, each made absolute."""
    if not isinstance(value, list | tuple):
        raise Expected("a list of files")
    return tuple(path(item, folder) for item in value)


def slide(value: object, folder: Path) -> int | str:
    """A number of bytes, whole pages of them, or "auto"; as text also in hex."""
    if value == "auto":
        return "auto"
    try:
        number = int(value, 0) if isinstance(value, str) else value
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int) or number % PAGE:
        raise Expected('a number of bytes that is a multiple of 4096, or "auto"')
    if not -(1 << 63) <= number < 1 << 63:
        raise Expected("a number of bytes that fits in 64 bits")
    return number


def firmware(value: object, folder: Path) -> str:
    """One of "bios" and "uefi", or the path of a firmware image, made absolute."""
    name = str(value) if isinstance(value, Path) else word(value, folder)
    return name if name in ("bios", "uefi") else str(path(name, folder))


def arguments(value: object, folder: Path) -> tuple[str, ...]:
    """A list of texts, with which QEMU stays the bench's own child."""
    if not isinstance(value, list | tuple):
        raise Expected("a list of texts")
    found = tuple(text(item, folder) for item in value)
    if not DAEMON.isdisjoint(found):
        raise Expected("arguments without -daemonize, by which QEMU would outlive the command")
    return found


def watches(value: object, folder: Path) -> tuple[str, ...]:
    """What is watched: a list of names, or text with commas."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise Expected(f"a list of {', '.join(WATCHES)}")
    found: list[str] = []
    for each in names:
        name = each.strip() if isinstance(each, str) else each
        if name not in WATCHES:
            raise Expected(f"names of {', '.join(WATCHES)}")
        found.append(str(name))
    return tuple(dict.fromkeys(found))


def modules(value: object, folder: Path) -> tuple[Module, ...]:
    """A list of "file arguments"; the file's name ends at the first space."""
    if not isinstance(value, list | tuple):
        raise Expected('a list of "file arguments"')
    found = []
    for item in value:
        if isinstance(item, Module):
            found.append(item)
            continue
        name, _, rest = word(item, folder).strip().partition(" ")
        found.append(Module(path(name, folder), rest.strip()))
    return tuple(found)


def seconds(value: object, folder: Path) -> float:
    """A time that is more than 0 and not endless, in seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Expected("a number of seconds")
    if not 0 < value < 1e6:
        raise Expected("a number of seconds above 0 and below a million")
    return float(value)
