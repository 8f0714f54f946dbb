"""Programs that tests compile to read their debug information, and their data as memory."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile

STATIC = ["-no-pie", "-fno-pic"]


def build(folder: Path, sources: Mapping[str, str], flags: str, compiler: str = "gcc") -> Path:
    """Compile and link `sources` in `folder`; all but the link's own flags count for each."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for name, text in sources.items():
        (folder / name).write_text(text)
        objects.append(f"{Path(name).stem}.o")
        command = [compiler, *STATIC, *flags.split(), "-c", name, "-o", objects[-1]]
        subprocess.run(command, cwd=folder, check=True, timeout=60)
    command = [compiler, *STATIC, *flags.split(), *objects, "-o", "program"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return folder / "program"


def pack(splits: Sequence[Path], package: Path) -> None:
    """Put split files of DWARF 5 into a package; binutils 2.40 and LLVM 14 cannot do it."""
    columns = {1: "info", 3: "abbrev", 6: "str_offsets"}
    whole = dict.fromkeys((*columns.values(), "str"), b"")
    numbers, places, lengths = [], [], []
    for split in splits:
        with split.open("rb") as file:
            elf = ELFFile(file)
            found = {section.name: section.data() for section in elf.iter_sections()}
            parts = {name: found[f".debug_{name}.dwo"] for name in whole}
        numbers.append(struct.unpack_from("<Q", parts["info"], 12)[0])
        header, table = parts["str_offsets"][:8], parts["str_offsets"][8:]
        moved = [each + len(whole["str"]) for (each,) in struct.iter_unpack("<I", table)]
        parts["str_offsets"] = header + struct.pack(f"<{len(moved)}I", *moved)
        places.append([len(whole[name]) for name in columns.values()])
        lengths.append([len(parts[name]) for name in columns.values()])
        for name, data in parts.items():
            whole[name] += data
    count = len(splits)
    whole["cu_index"] = struct.pack("<IIII", 5, len(columns), count, count)
    whole["cu_index"] += struct.pack(f"<{count}Q", *numbers)
    for row in (range(1, count + 1), columns, *places, *lengths):
        whole["cu_index"] += struct.pack(f"<{len(row)}I", *row)
    lines = []
    for name, data in whole.items():
        part = package.with_suffix(f".{name}")
        part.write_bytes(data)
        dwo = "" if name == "cu_index" else ".dwo"
        lines.append(f'.section .debug_{name}{dwo}, "e"\n.incbin "{part}"\n')
    source = package.with_suffix(".s")
    source.write_text("".join(lines))
    subprocess.run(["gcc", "-c", source, "-o", package], check=True, timeout=20)


class StaticMemory:
    """A program's memory as its file has it, before anything ran: a reader of values."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._segments = [
                (each["p_vaddr"], each.data() + bytes(each["p_memsz"] - each["p_filesz"]))
                for each in ELFFile(file).iter_segments()
                if each["p_type"] == "PT_LOAD"
            ]

    def __call__(self, address: int, length: int) -> bytes:
        for base, data in self._segments:
            if base <= address and address + length <= base + len(data):
                return bytes(data[address - base : address - base + length])
        raise AssertionError(f"{address:#x} + {length} is not in the file")
