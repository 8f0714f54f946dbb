"""Debug information of every form, damaged: split, packed, compressed, elsewhere, all languages."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.elf import open_elf
from ringbench.errors import ImageError
from ringbench.explain.names import Names
from tests.fuzz.mutate import Tally, mutated
from tests.fuzz.test_files import of_a_section, sections
from tests.unit.programs import StaticMemory, build, pack
from tests.unit.test_dwarf_kinds import CPP, C
from tests.unit.test_dwarf_languages import LISTINGS

Record = Callable[[str, object], None]


def split(folder: Path) -> Path:
    return build(folder, {"main.c": C}, "-gdwarf-5 -gsplit-dwarf -fdebug-types-section")


def old_split(folder: Path) -> Path:
    return build(folder, {"main.c": C}, "-gdwarf-4 -gsplit-dwarf")


def packed(folder: Path) -> Path:
    path = build(folder, {"main.c": C}, "-gdwarf-5 -gsplit-dwarf")
    splits = sorted(folder.glob("*.dwo"))
    pack(splits, Path(f"{path}.dwp"))
    for each in splits:
        each.unlink()
    return path


def compressed(folder: Path) -> Path:
    path = build(folder, {"main.cc": CPP}, "-gdwarf-4 -fdebug-types-section", "g++")
    subprocess.run(["objcopy", "--compress-debug-sections=zstd", path], check=False, timeout=20)
    return path


def elsewhere(folder: Path) -> Path:
    path = build(folder, {"main.cc": CPP}, "-gdwarf-5 -Wl,--build-id=0x0123456789abcdef", "g++")
    debug = folder / ".build-id" / "01" / "23456789abcdef.debug"
    debug.parent.mkdir(parents=True)
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True, timeout=20)
    subprocess.run(["objcopy", "--strip-all", path], check=True, timeout=20)
    return path


def listed(name: str) -> Callable[[Path], Path]:
    def assembled(folder: Path) -> Path:
        path = folder / "program"
        source = LISTINGS / f"{name}.s"
        subprocess.run(["gcc", "-c", source, "-o", f"{path}.o"], check=True, timeout=20)
        command = ["ld", "-e", "0", f"{path}.o", "-o", str(path)]
        subprocess.run(command, check=True, timeout=20)
        return path

    return assembled


PROGRAMS: dict[str, Callable[[Path], Path]] = {
    "split": split,
    "old split": old_split,
    "packed": packed,
    "compressed": compressed,
    "elsewhere": elsewhere,
    "rust": listed("rust"),
    "zig": listed("zig"),
}
SEPARATE = ("*.dwo", "*.dwp", "*.debug")
ASKED = (
    *("entry", "flags", "nested", "handlers", "cube", "wide", "own", "counted"),
    *("both", "most", "outer::inner::pairs", "member", "bound", "Base::count"),
    *("kernel::pmm::ZONE", "pmm::NEXT", "kernel.pmm.entry", "state", "kernel.heap.zone"),
)


def read(path: Path) -> None:
    """Ask for each thing that one of the programs has; what is refused does not end it."""
    types, memory = Types(path, open_elf(path)), StaticMemory(path)
    names = Names(path)
    refused: list[ImageError] = []
    for name in ASKED:
        try:
            with suppress(AssertionError):  # an address that is not in the file
                repr(types.value(memory, name))
            names.place(types.variable(name).address)
        except ImageError as error:
            refused.append(error)
    assert not any("\n" in str(error) for error in refused)
    if len(refused) == len(ASKED):
        raise refused[0]


@pytest.mark.parametrize("kind", PROGRAMS)
def test_damaged_debug_files(
    tmp_path: Path, kind: str, share: int, record_property: Record
) -> None:
    """Damage in one section of the program, or of what it was split into."""
    path = PROGRAMS[kind](tmp_path)
    read(path)
    files = [path, *(found for each in SEPARATE for found in tmp_path.rglob(each))]
    wholes = {file: file.read_bytes() for file in files}
    tally = Tally(f"debug files {kind}")
    for random in tally.randoms(12 * share):
        file = random.choice(files[-1:] * 3 + files)
        places = sections(file)
        names = [each for each in places if "debug" in each or "symtab" in each] or list(places)
        start, end = places[random.choice(names)]
        near = min(end, start + random.choice((64, 1000, end - start)))
        part = mutated(wholes[file][start:near], random)
        file.write_bytes(of_a_section(wholes[file], start, near, part))
        tally.attempt(lambda: read(path))
        file.write_bytes(wholes[file])
    record_property("summary", str(tally))
