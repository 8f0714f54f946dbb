"""What C++, Rust and Zig call things, and what is in them.

Of Rust and Zig there are listings with the debug information that their compilers write, so that
it needs neither of them; where they are, they are tried as well.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ringbench.debuginfo.demangle import demangled
from ringbench.debuginfo.dwarf import Pointer, Types, Value
from ringbench.errors import ImageError
from tests.unit.programs import StaticMemory, build

LISTINGS = Path(__file__).parent / "listings"

CPP = r"""
typedef unsigned long size;
int total = 1;
namespace mem {
struct Lock { int held = 0; int owner = 7; static int made; };
int Lock::made = 3;
class Region : public Lock {
public:
    enum class Kind : unsigned char { Free, Used = 200 };
    struct Span { size base, length; };
    Span span = { 0x4000, 0x2000 };
    Kind kind = Kind::Used;
    Region *next = nullptr;
    unsigned on : 1, level : 3;
    int owner = 8;
    static inline int regions = 4;
    size end() { static int asked = 6; asked++; return span.base + span.length; }
};
struct Both : Lock, Region::Span { int last = 9; };
struct Holder { Region &region; const size &&moved; int number; };
template <typename T, int N> struct Vec { T items[N]; int count; };
namespace { int hidden = 12; }
inline namespace v2 { int newer = 13; }
static size free_frames = 77;
static int total = 2;
Region first = {};
Both both = {};
Holder holder = { first, 5, 9 };
Vec<unsigned, 4> vec = { { 1, 2, 3, 4 }, 4 };
struct Base { virtual ~Base() {} int inside = 5; };
struct Virtual : virtual Base { int own = 6; } most;
long double precise = 1.5;
struct Mixed { long double precise; int plain; } mixed = { 1.5, 3 };
size alloc(size n) { static int calls = 4; calls++; return free_frames - n + hidden + total; }
}
namespace io { int newest = 14; int total = 3; struct Region { int port; } region = { 0x3f8 }; }
mem::Region top;
int main() { return mem::alloc(1) + top.end() + mem::Lock::made + mem::Region::regions; }
"""


class Program:
    def __init__(self, path: Path) -> None:
        self.types = Types.load(path)
        self.memory = StaticMemory(path)

    def value(self, path: str) -> Value:
        return self.types.value(self.memory, path)


@pytest.fixture(
    scope="module", params=["-gdwarf-4", "-gdwarf-5", "-gdwarf-4 -fdebug-types-section"]
)
def cpp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("cpp")
    return Program(build(folder, {"main.cc": CPP}, f"{request.param} -O0 -fno-pie", "g++"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mem::free_frames", 77),
        ("free_frames", 77),
        ("total", 1),
        ("mem::total", 2),
        ("main.cc:mem::total", 2),
        ("io::total", 3),
        ("mem::hidden", 12),
        ("mem::(anonymous namespace)::hidden", 12),
        ("mem::newer", 13),
        ("mem::Lock::made", 3),
        ("Lock::made", 3),
        ("mem::Region::regions", 4),
        ("mem::alloc::calls", 4),
        ("mem::Region::end::asked", 6),
        ("mem::both.held", 0),
        ("mem::both.owner", 7),
        ("mem::both.length", 0),
        ("mem::both.last", 9),
        ("mem::holder.number", 9),
        ("mem::vec.items[2]", 3),
        ("io::region.port", 0x3F8),
    ],
)
def test_a_cpp_variable_by_its_name(cpp: Program, path: str, value: int) -> None:
    assert cpp.value(path) == value


def test_a_class_has_the_members_of_its_base(cpp: Program) -> None:
    region = cpp.types.struct("mem::Region")
    assert region.name == "class mem::Region"
    assert list(region.flat) == ["held", "span", "kind", "next", "on", "level", "owner"]
    assert region.member("owner").offset > region.member("next").offset
    assert cpp.types.locate("top.next").type.name == "class mem::Region *"
    assert cpp.types.locate("top.kind").type.name == "enum mem::Region::Kind"
    assert cpp.types.enum("mem::Region::Kind").name_of(200) == "Used"
    assert cpp.types.enum("Kind") is cpp.types.enum("enum Kind")


def test_a_reference_is_an_address(cpp: Program) -> None:
    reference = cpp.types.locate("mem::holder.region").type
    assert isinstance(reference, Pointer)
    assert reference.name == "class mem::Region &"
    assert reference.target is cpp.types.type("mem::Region")


def test_templates_are_types_by_their_whole_name(cpp: Program) -> None:
    assert cpp.types.struct("mem::Vec<unsigned int, 4>").size == 20
    assert cpp.types.struct("struct mem::Vec<unsigned int, 4>").size == 20


def test_several_in_different_scopes_are_named(cpp: Program) -> None:
    with pytest.raises(ImageError, match="'Region' is ambiguous: there are") as why:
        cpp.types.type("Region")
    assert "mem::Region" in str(why.value)
    assert "io::Region" in str(why.value)


def test_what_has_no_value_hides_nothing_beside_it(cpp: Program) -> None:
    assert list(cpp.value("mem::most")) == ["_vptr.Virtual", "own"]  # the virtual base is left out
    with pytest.raises(ImageError, match="a long double of 16 bytes cannot be read"):
        cpp.value("mem::precise")
    assert cpp.value("mem::mixed").plain == 3
    assert "plain=3" in repr(cpp.value("mem::mixed"))


def test_symbols_are_known_by_what_was_written(cpp: Program) -> None:
    symbols = cpp.types.symbols
    address = symbols.address("mem::alloc")
    assert address == symbols.address("mem::alloc(unsigned long)")
    assert address == symbols.address("_ZN3mem5allocEm")
    assert str(symbols.at(address + 1)) == "mem::alloc(unsigned long)+0x1"
    assert symbols.size("mem::alloc") == symbols.size("_ZN3mem5allocEm") > 0


def test_mangled_names() -> None:
    written = {
        "_ZN3mem6Region3endEv": "mem::Region::end()",
        "_ZN6kernel3pmm4FREE17h464127e166ef2d1bE": "kernel::pmm::FREE",
        "_RNvNtCs1EKtwoKEMO2_6kernel3pmm4FREE": "kernel::pmm::FREE",
    }
    assert demangled([*written, "main", "_Z", "_start", "_Rubbish", ""]) == written


def test_names_that_stand_for_gigabytes_stay_as_they_are() -> None:
    """Each argument is a template of the one before it, twice."""
    names = [f"_Z1f1aIiiE{doubled(count)}" for count in (3, 20, 60)]
    found = demangled(names)
    assert list(found) == names[:1]
    assert found[names[0]].count("int") == 2 + 4 + 8 + 16


def doubled(count: int) -> str:
    """Arguments of which each is twice as long as the one before."""
    return "".join(f"S_IS{to_36(n)}_S{to_36(n)}_E" for n in range(count))


def to_36(number: int) -> str:
    """A number as mangled names have it."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return (to_36(number // 36) if number >= 36 else "") + digits[number % 36]


# -- C by clang --------------------------------------------------------------------------------


def test_what_clang_says_by_numbers(tmp_path: Path) -> None:
    """Of texts and addresses, in tables; gcc has them only in split files."""
    program = _link(tmp_path, LISTINGS / "clang.s", "kmain")
    assert program.value("counter") == program.value("k.c:counter") == 7
    assert program.value("calls") == program.value("twice::calls") == 3
    zones = program.value("zones")
    assert [(each.level, each.rest, each.base) for each in zones] == [(-2, 5, 1), (1, 6, 2)]
    assert zones[0].next == program.types.variable("zones").address
    assert program.types.locate("zones[0].next").type.name == "struct zone *"


# -- Rust --------------------------------------------------------------------------------------


def _link(folder: Path, source: Path, entry: str) -> Program:
    made = folder / "program"
    subprocess.run(["gcc", "-c", source, "-o", f"{made}.o"], check=True, timeout=20)
    subprocess.run(["ld", "-e", entry, f"{made}.o", "-o", made], check=True, timeout=20)
    return Program(made)


@pytest.fixture(scope="module", params=["listing", "rustc"])
def rust(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("rust")
    if request.param == "rustc":
        return _compiled(folder, LISTINGS / "kernel.rs")
    return _link(folder, LISTINGS / "rust.s", "kmain")


@pytest.fixture(scope="module", params=["listing", "rustc"])
def kinds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("kinds")
    if request.param == "rustc":
        return _compiled(folder, LISTINGS / "kinds.rs")
    return _link(folder, LISTINGS / "kinds.s", "kmain")


def _compiled(folder: Path, source: Path) -> Program:
    if shutil.which("rustc") is None:
        pytest.skip("no rustc")
    made = folder / "kernel.o"
    flags = "--crate-type lib --edition 2021 -g -O -C panic=abort -C codegen-units=1 --emit obj"
    command = ["rustc", *flags.split(), str(source), "-o", str(made)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    subprocess.run(["ld", "-e", "kmain", made, "-o", folder / "program"], check=True, timeout=20)
    return Program(folder / "program")


def test_rust_statics_and_structs(rust: Program) -> None:
    assert rust.value("COUNT") == 5
    assert rust.value("kernel::pmm::FREE") == rust.value("pmm::FREE") == 77
    assert rust.value("kernel::heap::FREE") == 78
    assert rust.value("kernel::pmm::alloc::CALLS") == rust.value("CALLS") == 3
    assert rust.value("kernel::pmm::WIDE") == (1 << 100) + 5
    zone = rust.value("kernel::pmm::ZONE")
    assert (zone.base, zone.name.length, zone.bounds["__1"]) == (0x4000, 3, 8)
    assert str(zone.kind) == "Normal"
    assert rust.types.type("struct Zone") is rust.types.type("kernel::pmm::Zone")
    with pytest.raises(ImageError, match=r"there are kernel::(pmm|heap)::FREE, kernel::"):
        rust.value("FREE")


def test_rust_enumerations_are_their_active_variant(rust: Program) -> None:
    zone = rust.value("kernel::pmm::ZONE")
    assert zone.state.as_dict() == {"Mapped": {"va": 9, "pages": 3}}
    assert zone.free.as_dict() == {"Free": {}}
    assert zone.next.as_dict() == {"None": {}}
    address = rust.types.variable("kernel::pmm::ZONE").address
    assert rust.value("pmm::NEXT").as_dict() == {"Some": {"__0": address}}
    assert rust.value("pmm::ZONE.state.Mapped.va") == 9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MINUS", {"Minus": {"__0": 3}}),
        ("PLUS", {"Plus": {"x": 9}}),
        ("DEEP", {"A": {"__0": {"Y": {"__0": True}}}}),
        ("FLAT", {"C": {}}),
        ("NONE", {"None": {}}),
        ("FAILED", {"Err": {"__0": 3}}),
        ("NESTED", {"Some": {"__0": {"None": {}}}}),
        ("LOCK", {"locked": {"value": True}, "data": {"value": 8}}),
        ("RAW", {"a": 0x01020304, "b": [4, 3, 2, 1]}),
        ("kinds::mm::frames::MAP", {"words": [1, 2, 3]}),
    ],
)
def test_rust_values_of_each_kind(kinds: Program, name: str, value: object) -> None:
    assert kinds.value(name).as_dict() == value


def test_rust_numbers_within_others(kinds: Program) -> None:
    assert kinds.value("LETTER") == 0x20AC
    assert "Some" in kinds.value("NONZERO").as_dict()
    assert kinds.value("DEEP.A.__0.Y.__0") is True
    assert kinds.value("mm::frames::MAP.words[2]") == 3
    assert kinds.types.struct("Bitmap<3>").size == 24


def test_rust_symbols(rust: Program) -> None:
    symbols = rust.types.symbols
    address = symbols.address("kernel::pmm::FREE")
    assert str(symbols.at(address)) == "kernel::pmm::FREE"
    assert address == rust.types.variable("pmm::FREE").address


# -- Zig ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zig(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return _link(tmp_path_factory.mktemp("zig"), LISTINGS / "zig.s", "_start")


def test_zig_variables(zig: Program) -> None:
    assert zig.value("kernel.free") == 77
    assert zig.value("kernel.pmm.free") == zig.value("pmm.free") == 42
    with pytest.raises(ImageError, match=r"there are kernel\.free, kernel\.pmm\.free"):
        zig.value("free")
    assert zig.value("kernel.heap.zone.base") == zig.value("zone.base") == 5
    assert zig.types.locate("zone").type is zig.types.type("kernel.Zone")


def test_zig_packed_structs_and_tagged_unions(zig: Program) -> None:
    assert zig.value("pmm.entry").as_dict() == {"present": True, "frame": 0x1234}
    assert zig.value("pmm.entry.frame") == 0x1234
    assert zig.types.struct("Entry").size == 8
    assert zig.value("state").as_dict() == {"used": 9}
    assert zig.types.type("kernel.State").decode(bytes(8), 0, 0).as_dict() == {"free": None}


def test_zig_itself(tmp_path: Path) -> None:
    if importlib.util.find_spec("ziglang") is not None:
        command = [sys.executable, "-m", "ziglang"]
    elif (found := shutil.which("zig")) is not None:
        command = [found]
    else:
        pytest.skip("no zig")
    (tmp_path / "kernel.zig").write_text(
        "const Zone = struct { base: u64 };\n"
        "const pmm = struct { var zone: Zone = .{ .base = 5 }; };\n"
        "export fn kmain() u64 { pmm.zone.base +%= 1; return pmm.zone.base; }\n"
    )
    flags = "build-obj -target x86_64-freestanding-none -O Debug kernel.zig -femit-bin=kernel.o"
    subprocess.run([*command, *flags.split()], cwd=tmp_path, check=True, timeout=110)
    made = tmp_path / "program"
    subprocess.run(["ld", "-e", "kmain", tmp_path / "kernel.o", "-o", made], check=True, timeout=20)
    assert Program(made).value("kernel.pmm.zone.base") == 5
