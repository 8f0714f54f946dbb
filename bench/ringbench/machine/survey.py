"""What can be found out about a kernel from its files, before it is booted for the first time."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ringbench.debuginfo.elf import LARGEST, damage, parse, read_head
from ringbench.debuginfo.information import debug_information, has_debug_information
from ringbench.debuginfo.separate import debug_file
from ringbench.errors import ImageError
from ringbench.files import read_bytes
from ringbench.machine.image import (
    MULTIBOOT1,
    MULTIBOOT2,
    QCOW2_MAGIC,
    Form,
    find_multiboot,
    form_of,
    is_elf,
    pvh_entry,
)

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

# DWARF 5, 7.12, and the languages that were given numbers since.
LANGUAGES = {
    "C": (0x01, 0x02, 0x0C, 0x1D, 0x2C),
    "C++": (0x04, 0x1A, 0x21, 0x2B, 0x2E),
    "Ada": (0x03, 0x0D, 0x2D, 0x2F),
    "D": (0x13,),
    "Go": (0x16,),
    "Rust": (0x1C,),
    "Zig": (0x27,),
}
UNITS_READ = 200  # of the debug information; the first ones tell the language
LIMINE_MAGIC = struct.pack("<2Q", 0xC7B1DD30DF4C8B88, 0x0A82E883A194F07B)
CATALOG_AT = 17 * 2048 + 0x47  # El Torito 1.0, figure 7: the boot catalog's sector
ESP_TYPE = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")  # UEFI 2.10, 5.3.3, as it is stored
SECTOR = 512


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What an ELF file has: `protocols` are the boot protocols that it has headers for."""

    bits: int
    language: str
    symbols: bool
    types: bool
    protocols: tuple[str, ...]

    def __str__(self) -> str:
        has = [name for name, there in (("symbols", self.symbols), ("DWARF", self.types)) if there]
        parts = [f"{self.bits} bits", self.language, " and ".join(has) or "no symbols"]
        return ", ".join([*(part for part in parts if part), *self.protocols])


@dataclass(frozen=True, slots=True)
class Survey:
    """What is booted, of which form, by which firmware; and the ELF file with the symbols, if any.

    `image` is the ELF file itself where QEMU can boot that. `firmware` has "bios" and "uefi", those
    of the two that can start the image, BIOS first. `disks` are images that it has beside it.
    """

    image: Path
    form: Form
    firmware: tuple[str, ...]
    elf: Path | None
    facts: ElfFacts | None
    disks: tuple[Path, ...] = ()


def survey(files: tuple[Path, ...]) -> Survey:
    """Look into one file that is booted, or into an ELF file and what is booted, in any order.

    Of several images the first is booted, and the others are further disks.

    Raises:
        ImageError: nothing that can be booted, or more than one thing.
    """
    elves = [file for file in files if is_elf(file)]
    images = [file for file in files if file not in elves]
    if len(elves) > 1:
        two = " and ".join(map(str, elves[:2]))
        raise ImageError(f"{two}: name one kernel, and the images that it boots from and has")
    for disk in images[1:]:
        _require_disk(disk)
    elf = elves[0] if elves else None
    facts = elf_facts(elf) if elf is not None else None
    if images:
        form = form_of(images[0])
        return Survey(images[0], form, firmware_of(images[0], form), elf, facts, tuple(images[1:]))
    if elf is None or facts is None:
        raise ImageError("no kernel is named")
    if "Limine" in facts.protocols and not {"Multiboot 1", "PVH"} & set(facts.protocols):
        raise ImageError(
            f"{elf}: a kernel of the Limine protocol, which QEMU cannot boot itself; name the .iso "
            f"or disk image that it is on as well: ringbench init {elf} IMAGE"
        )
    return Survey(elf, form_of(elf), ("bios",), elf, facts)


def _require_disk(path: Path) -> None:
    """Refuse what is no further disk: there may be anything in one, but for a disc or an ELF file.

    Raises:
        ImageError: it cannot be read, or is booted from.
    """
    head = read_head(path, "disk", SECTOR)
    if path.suffix.lower() in (".iso", ".efi") or not head:
        raise ImageError(
            f"{path}: no further disk: of several images the first is booted, and the others are "
            "disk images that the kernel has as well"
        )


def elf_facts(path: Path) -> ElfFacts:
    """Return what an ELF file has.

    Raises:
        ImageError: it is damaged.
    """
    elf = parse(path)
    content = read_bytes(path, "kernel", LARGEST, ImageError)
    head = content[: MULTIBOOT2[1]]
    with damage(path):
        where, debug = _debug_file(path, elf)
        symbols = any(each.get_section_by_name(".symtab") is not None for each in (elf, debug))
    protocols = {
        "Multiboot 1": find_multiboot(head, MULTIBOOT1) is not None,
        "Multiboot 2": find_multiboot(head, MULTIBOOT2) is not None,
        "PVH": pvh_entry(path) is not None,
        "Limine": LIMINE_MAGIC in content,
    }
    found = tuple(name for name, there in protocols.items() if there)
    types = has_debug_information(debug)
    return ElfFacts(elf.elfclass, _language(where, debug) if types else "", symbols, types, found)


def _debug_file(path: Path, elf: ELFFile) -> tuple[Path, ELFFile]:
    """Return the file with the debug information, or the kernel itself if there is none."""
    try:
        return debug_file(path, elf)
    except ImageError:
        return path, elf


def _language(path: Path, elf: ELFFile) -> str:
    """Return the language that most of the units are written in; empty if it is not known."""
    names = {number: name for name, numbers in LANGUAGES.items() for number in numbers}
    counted: Counter[str] = Counter()
    try:
        with damage(path):
            for number, unit in enumerate(debug_information(path, elf).iter_CUs()):
                language = unit.get_top_DIE().attributes.get("DW_AT_language")
                if language is not None and language.value in names:
                    counted[names[language.value]] += 1
                if number >= UNITS_READ:
                    break
    except ImageError:
        return ""
    return counted.most_common(1)[0][0] if counted else ""


def firmware_of(image: Path, form: Form) -> tuple[str, ...]:
    """Return which firmware can start an image that has its own loader."""
    if form.is_elf:
        return ("bios",)
    if form.is_efi:
        return ("uefi",)
    found = set(_iso_platforms(image) if form is Form.ISO else _disk_platforms(image))
    return tuple(name for name in ("bios", "uefi") if name in found) or ("bios",)


def _iso_platforms(image: Path) -> Iterator[str]:
    """Yield the firmware of each entry in the boot catalog (El Torito 1.0, figures 2 and 3)."""
    platforms = {0x00: "bios", 0xEF: "uefi"}
    at = read_head(image, "image", CATALOG_AT + 4)[CATALOG_AT:]
    if len(at) < 4:
        return
    with image.open("rb") as file:
        file.seek(int.from_bytes(at, "little") * 2048)
        catalog = file.read(2048)
    if catalog[:1] == b"\x01" and catalog[1] in platforms:
        yield platforms[catalog[1]]
    for start in range(32, len(catalog) - 1, 32):
        if catalog[start] in (0x90, 0x91) and catalog[start + 1] in platforms:
            yield platforms[catalog[start + 1]]


def _disk_platforms(image: Path) -> Iterator[str]:
    """Yield "bios" for a boot sector with code, "uefi" for an EFI system partition."""
    head = read_head(image, "image", SECTOR * 34)
    if head.startswith(QCOW2_MAGIC):
        return
    if any(head[3:440]):
        yield "bios"
    if any(head[at + 4] == 0xEF for at in range(446, 510, 16)) or ESP_TYPE in head[SECTOR:]:
        yield "uefi"
