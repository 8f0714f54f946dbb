"""One program, its debug information in every form that gcc and binutils write it in."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbench.coverage.lines import Lines
from ringbench.debuginfo.dwarf import Types
from ringbench.errors import ImageError
from ringbench.explain.names import Names
from tests.unit.programs import StaticMemory, build, pack

MAIN = r"""
#include <stdint.h>
struct zone { uint64_t base; union { struct { uint32_t low, high; }; uint64_t both; }; };
struct flags {
    uint16_t plain; unsigned on : 1; int level : 5; unsigned long wide : 40, rest : 20;
};
enum huge { NONE, TOP = 0xffffffffffffffff };
struct opaque;
struct zone zones[2] = { { 0x1000, { .both = 0x200000003 } }, { 0x2000, { .both = 7 } } };
struct flags flags = { 9, 1, -3, 0x123456789a, 0xfffff };
enum huge huge = TOP;
int grid[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
unsigned __int128 wide = ((unsigned __int128)1 << 100) + 5;
struct opaque *opaque;
static volatile int counter = 11;
extern int other(void);
int moving(int x) { int y = x * counter; y += other(); return y * x; }
int main(void) { static volatile int inner = 5; return counter + inner + other(); }
"""
OTHER = r"""
struct opaque { long inside; } real = { 1234 };
static volatile int counter = 22;
int other(void) { return counter; }
"""
SOURCES = {"main.c": MAIN, "other.c": OTHER}


def check(path: Path) -> None:
    types, memory = Types.load(path), StaticMemory(path)

    def value(name: str) -> object:
        return types.value(memory, name)

    assert value("zones[0].high") == 2
    assert types.value(memory, "zones").pop().as_dict() == {
        "base": 0x2000,
        "low": 7,
        "high": 0,
        "both": 7,
    }
    assert types.value(memory, "flags").as_dict() == {
        "plain": 9,
        "on": 1,
        "level": -3,
        "wide": 0x123456789A,
        "rest": 0xFFFFF,
    }
    assert value("flags.wide") == 0x123456789A
    assert str(value("huge")) == "TOP"
    assert types.locate("grid").type.name == "int [2][3]"
    assert value("grid") == [[1, 2, 3], [4, 5, 6]]
    assert value("wide") == (1 << 100) + 5
    assert types.struct("struct zone").size == 16
    assert types.locate("opaque").type.name == "struct opaque *"
    assert types.struct("struct opaque").member("inside").type.size == 8
    assert value("real.inside") == 1234
    assert value("main::inner") == value("inner") == 5
    assert value("main.c:counter") == value("'main.c'::counter") == 11
    assert value("other.c:counter") == 22
    with pytest.raises(ImageError, match=r"there are main\.c:counter, other\.c:counter"):
        types.variable("counter")


FORMS = [
    "-gdwarf-2 -gstrict-dwarf",
    "-gdwarf-2",
    "-gdwarf-3",
    "-gdwarf-4",
    "-gdwarf-5",
    "-gdwarf-5 -O2",
    "-gdwarf64 -gdwarf-5",
    "-gdwarf-4 -fdebug-types-section",
    "-gdwarf-5 -fdebug-types-section",
    "-gdwarf-4 -gsplit-dwarf",
    "-gdwarf-5 -gsplit-dwarf",
    "-gdwarf-5 -gsplit-dwarf -O2",
    "-gdwarf-4 -gsplit-dwarf -fdebug-types-section",
    "-gdwarf-5 -gsplit-dwarf -fdebug-types-section",
    "-gdwarf-4 -gz=zlib",
    "-gdwarf-5 -gz=zlib",
    "-gdwarf-5 -gz=zlib-gnu",
]


@pytest.mark.parametrize("flags", FORMS)
def test_every_form_says_the_same(flags: str, tmp_path: Path) -> None:
    check(build(tmp_path, SOURCES, flags))


@pytest.mark.parametrize("flags", ["-gdwarf-4", "-gdwarf-5"])
def test_sections_compressed_by_zstd(flags: str, tmp_path: Path) -> None:
    path = build(tmp_path, SOURCES, flags)
    command = ["objcopy", "--compress-debug-sections=zstd", str(path), str(tmp_path / "small")]
    if subprocess.run(command, capture_output=True, timeout=20, check=False).returncode:
        pytest.skip("this objcopy cannot compress by zstd")
    assert (tmp_path / "small").stat().st_size < path.stat().st_size
    check(tmp_path / "small")


# -- split -------------------------------------------------------------------------------------


@pytest.mark.parametrize("types", ["", "-fdebug-types-section"])
def test_a_package_of_split_files(types: str, tmp_path: Path) -> None:
    tool = shutil.which("llvm-dwp") or shutil.which("dwp")
    if tool is None:
        pytest.skip("no dwp, which makes packages")
    path = build(tmp_path, SOURCES, f"-gdwarf-4 -gsplit-dwarf {types}")
    subprocess.run([tool, "-e", path, "-o", f"{path}.dwp"], cwd=tmp_path, check=True, timeout=20)
    for each in tmp_path.glob("*.dwo"):
        each.unlink()
    check(path)


def test_a_package_of_dwarf_5(tmp_path: Path) -> None:
    path = build(tmp_path, SOURCES, "-gdwarf-5 -gsplit-dwarf")
    splits = sorted(tmp_path.glob("*.dwo"))
    pack(splits, Path(f"{path}.dwp"))
    for each in splits:
        each.unlink()
    check(path)


@pytest.mark.parametrize("version", ["4", "5"])
def test_split_files_beside_the_program_do(version: str, tmp_path: Path) -> None:
    path = build(tmp_path / "built", SOURCES, f"-gdwarf-{version} -gsplit-dwarf")
    moved = (tmp_path / "built").rename(tmp_path / "moved")
    check(moved / path.name)


@pytest.mark.parametrize("version", ["4", "5"])
def test_a_split_file_that_is_missing_is_named(version: str, tmp_path: Path) -> None:
    path = build(tmp_path, SOURCES, f"-gdwarf-{version} -gsplit-dwarf")
    gone = next(tmp_path.glob("*main*.dwo"))
    gone.unlink()
    types = Types.load(path)
    assert types.variable("real").type.size == 8
    for wanted in (types.variable, types.type):
        with pytest.raises(ImageError, match=f"no .* 'zones'.*{gone} is missing"):
            wanted("zones")


def test_a_split_file_of_another_build_is_named(tmp_path: Path) -> None:
    path = build(tmp_path, SOURCES, "-gdwarf-5 -gsplit-dwarf")
    kept = next(tmp_path.glob("*main*.dwo"))
    build(tmp_path / "later", {**SOURCES, "main.c": "int added;" + MAIN}, "-gdwarf-5 -gsplit-dwarf")
    shutil.copy(tmp_path / "later" / kept.name, kept)
    with pytest.raises(ImageError, match=f"no variable 'zones'.*{kept} is of another build"):
        Types.load(path).variable("zones")


# -- in a file of its own ----------------------------------------------------------------------


def _objcopy(*arguments: object) -> None:
    subprocess.run(["objcopy", *map(str, arguments)], check=True, timeout=20)


def _linked(folder: Path) -> tuple[Path, Path]:
    """Return a program without debug information, and the file that its link names."""
    path = build(folder, SOURCES, "-g")
    debug = folder / "program.debug"
    _objcopy("--only-keep-debug", path, debug)
    _objcopy("--strip-all", f"--add-gnu-debuglink={debug}", path)
    return path, debug


@pytest.mark.parametrize("place", [".", ".debug"])
def test_a_debug_link_leads_to_the_file(place: str, tmp_path: Path) -> None:
    path, debug = _linked(tmp_path)
    (tmp_path / place).mkdir(exist_ok=True)
    debug.rename(tmp_path / place / debug.name)
    check(path)
    assert Types.load(path).symbols.address("main")


def test_a_debug_file_that_is_missing_is_named(tmp_path: Path) -> None:
    path, debug = _linked(tmp_path)
    debug.unlink()
    with pytest.raises(ImageError, match=r"is in 'program.debug', which is missing; looked for /"):
        Types.load(path)


def test_a_debug_file_of_another_build_is_refused(tmp_path: Path) -> None:
    path, debug = _linked(tmp_path)
    with debug.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ImageError, match=r"program\.debug is of another build: its checksum"):
        Types.load(path)


def test_a_build_id_leads_to_the_file(tmp_path: Path) -> None:
    path = build(tmp_path, SOURCES, "-g -Wl,--build-id=0x0123456789abcdef")
    folder = tmp_path / ".build-id" / "01"
    folder.mkdir(parents=True)
    _objcopy("--only-keep-debug", path, folder / "23456789abcdef.debug")
    _objcopy("--strip-all", path)
    check(path)
    other = build(tmp_path / "later", SOURCES, "-g -Wl,--build-id=0x0123456789abcdee")
    _objcopy("--only-keep-debug", other, folder / "23456789abcdef.debug")
    with pytest.raises(ImageError, match="has another build-ID"):
        Types.load(build(tmp_path, SOURCES, "-Wl,--build-id=0x0123456789abcdef -Wl,-s"))


def test_what_dwz_moved_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    path = build(tmp_path, SOURCES, "-g")
    link = tmp_path / "link"
    link.write_bytes(b"/usr/lib/debug/.dwz/common.debug\0" + bytes(20))
    _objcopy("--add-section", f".gnu_debugaltlink={link}", path)
    with pytest.raises(ImageError, match=r"is in '/usr/lib/debug/\.dwz/common\.debug'.*dwz"):
        Types.load(path)


# -- lines and frames --------------------------------------------------------------------------


def _as_zstd(folder: Path) -> Path:
    path = build(folder, SOURCES, "-gdwarf-5")
    _objcopy("--compress-debug-sections=zstd", path)
    return path


WAYS: dict[str, Callable[[Path], Path]] = {
    "DWARF 2": lambda folder: build(folder, SOURCES, "-gdwarf-2"),
    "split": lambda folder: build(folder, SOURCES, "-gdwarf-5 -gsplit-dwarf"),
    "compressed": _as_zstd,
    "elsewhere": lambda folder: _linked(folder)[0],
}


@pytest.mark.parametrize("way", WAYS)
def test_the_line_of_an_address_is_found(way: str, tmp_path: Path) -> None:
    path = WAYS[way](tmp_path)
    address = Types.load(path).symbols.address("other")
    for names, at in ((Names(path), address), (Names(path, lambda: 1 << 21), address + (1 << 21))):
        place = names.place(at)
        assert place.symbol == "other+0x0"
        assert place.file.endswith("other.c")
        assert place.line == 4
        assert names.symbol(at + 1) == "other"
        assert names.begins(at + 1) == at
        assert names.is_code(at)
    assert "other.c" in Lines.load(path, tmp_path).files


# -- damage ------------------------------------------------------------------------------------


def _overwrite(path: Path, section: str, change: Callable[[bytes], bytes]) -> None:
    part = path.with_suffix(".part")
    _objcopy("--dump-section", f"{section}={part}", path)
    part.write_bytes(change(part.read_bytes()))
    _objcopy("--update-section", f"{section}={part}", path)


@pytest.mark.parametrize(
    ("section", "change"),
    [
        (".debug_info", lambda data: data[: len(data) // 2]),
        (".debug_info", lambda data: b"\xf0" * len(data)),
        (".debug_abbrev", lambda data: data[:10]),
        (".debug_abbrev", lambda data: b""),
        (".debug_abbrev", lambda data: b"\x85" * len(data)),
        (".debug_str", lambda data: data.rstrip(b"\0")[:20]),
    ],
)
def test_damage_is_one_error(
    section: str, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = build(tmp_path, SOURCES, "-gdwarf-5")
    _overwrite(path, section, change)
    types = Types.load(path)
    for wanted in (types.variable, types.type):
        with pytest.raises(ImageError, match=re.escape(str(path))):
            wanted("zones")
