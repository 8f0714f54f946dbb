"""Values of each kind that C and C++ have, and what is refused because it could be read wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ringbench.debuginfo.ctype import LARGEST_READ
from ringbench.debuginfo.dwarf import Types, Value
from ringbench.errors import ImageError
from tests.unit.programs import StaticMemory, build

C = r"""
#include <stdbool.h>
#include <stdint.h>
enum mode { OFF, SLOW = 2, FAST = -1 };
union entry {
    uint64_t whole;
    struct { uint64_t present : 1, : 11, frame : 40, : 11, nx : 1; };
    struct { int8_t low : 4, high : 4; } halves;
};
struct flags { bool on : 1; enum mode mode : 3; unsigned char level : 2; int64_t wide : 50; };
struct packed { uint8_t first; uint32_t odd : 20; uint16_t rest : 12; } __attribute__((packed));
struct nested { union { struct { union { int deep; float same; }; int after; }; long all; }; };
typedef int (*handler_t)(void *, int);
typedef handler_t table_t[2];
typedef struct { uint8_t bytes[2][3]; } grid_t;
typedef volatile const grid_t *const grid_pointer_t;
typedef _Atomic uint32_t counter_t;
struct row { int count; struct { short a, b; } items[]; };
static int handle(void *data, int number) { return data ? number : 7; }

union entry entry = { .whole = 1ull << 63 | 0x1234ull << 12 | 1 };
union entry halves = { .halves = { -3, 5 } };
struct flags flags = { true, FAST, 2, -5 };
struct packed packed = { 1, 0xabcde, 0xfff };
struct nested nested = { .deep = 5, .after = 6 };
table_t handlers = { handle };
grid_t grid = { { { 1, 2, 3 }, { 4, 5, 6 } } };
grid_pointer_t grids[2] = { &grid };
counter_t counted = 9;
struct row row = { 2, { { 1, -1 }, { 2, -2 } } };
int cube[2][2][2] = { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } };
float single = 1.5f;
double doubled = -2.25;
bool truth = true;
char letter = 'q';
signed char negative = -5;
unsigned char text[4] = "ab\xff";
__int128 wide = -((__int128)1 << 100);
wchar_t_ wide_letter = 0x20ac;
enum mode mode = FAST;
enum mode unnamed = 77;
char large[17 << 20];
long double precise = 1.5L;
_Complex double imaginary = 1.0;
struct { int32_t number; } __attribute__((scalar_storage_order("big-endian"))) swapped = { 1 };
__thread int own = 3;
static const int folded = 42;
int main(void) { large[5] = 6; return folded + own + handlers[0](0, 1); }
""".replace("wchar_t_", "__WCHAR_TYPE__")

CPP = r"""
struct Base { int a = 1; unsigned bits : 3, more : 5; static int count;
    Base() : bits(5), more(9) {} };
int Base::count = 11;
struct Left : Base { int left = 2; };
struct Right { int a = 21; int right = 3; };
struct Both : Left, Right { int both = 4; int &ref; Both(int &to) : ref(to) {} };
struct Shared { int shared = 5; };
struct Most : virtual Shared { int own = 6; };
namespace outer { namespace inner { enum class Color : short { Red = -1, Blue = 300 };
template <typename T> struct Pair { T first, second; };
Pair<Pair<short>> pairs = { { 1, 2 }, { 3, 4 } };
Color color = Color::Blue; } namespace alias = inner; using inner::Color; }
namespace outer { int color = 4; }
int target = 8;
Both both(target);
Most most;
int Right::*member = &Right::right;
int (*function)(int) = nullptr;
decltype(nullptr) nothing = nullptr;
int &bound = target;
char16_t unit = u'\u20ac';
int main() { return both.left + most.own; }
"""


class Program:
    def __init__(self, folder: Path, sources: Mapping[str, str], flags: str, compiler: str) -> None:
        path = build(folder, sources, flags, compiler)
        self.types, self.memory = Types.load(path), StaticMemory(path)

    def value(self, path: str) -> Value:
        return self.types.value(self.memory, path)


FORMS = ["-gdwarf-2 -gstrict-dwarf", "-gdwarf-3", "-gdwarf-4 -gsplit-dwarf", "-gdwarf-5"]


@pytest.fixture(scope="module", params=FORMS)
def c(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("c"), {"main.c": C}, request.param, "gcc")


@pytest.fixture(scope="module", params=["-gdwarf-2 -gstrict-dwarf", "-gdwarf-5"])
def cpp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("cpp"), {"main.cc": CPP}, request.param, "g++")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("entry.present", 1),
        ("entry.frame", 0x1234),
        ("entry.nx", 1),
        ("halves.halves.low", -3),
        ("halves.halves.high", 5),
        ("flags.on", True),
        ("flags.mode", -1),
        ("flags.level", 2),
        ("flags.wide", -5),
        ("packed.odd", 0xABCDE),
        ("packed.rest", 0xFFF),
        ("nested.deep", 5),
        ("nested.after", 6),
        ("nested.all", 5 | 6 << 32),
        ("grid.bytes[1][2]", 6),
        ("grid.bytes", [[1, 2, 3], [4, 5, 6]]),
        ("counted", 9),
        ("row.count", 2),
        ("row.items[1].b", -2),
        ("cube[1][0][1]", 6),
        ("cube", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("single", 1.5),
        ("doubled", -2.25),
        ("truth", True),
        ("letter", ord("q")),
        ("negative", -5),
        ("text", [0x61, 0x62, 0xFF, 0]),
        ("wide", -(1 << 100)),
        ("wide_letter", 0x20AC),
        ("mode", -1),
        ("unnamed", 77),
        ("large[16777216]", 0),
    ],
)
def test_a_value_of_c(c: Program, path: str, value: object) -> None:
    assert c.value(path) == value


def test_names_of_enumerators_also_in_bit_fields(c: Program) -> None:
    assert str(c.value("mode")) == str(c.value("flags.mode")) == "FAST"
    assert str(c.value("unnamed")) == "77"


def test_pointers_and_what_they_point_at(c: Program) -> None:
    handlers, grids = c.types.locate("handlers").type, c.types.locate("grids[0]").type
    assert handlers.name == "function * [2]"
    assert c.value("handlers") == [c.types.symbols.address("handle"), 0]
    assert c.value("grids[0]") == c.types.variable("grid").address
    assert grids.name == "grid_t *"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("precise", "a long double of 16 bytes cannot be read"),
        ("imaginary", "a complex double has no value that could be read"),
        ("large", f"{17 << 20:,} bytes is more than is read at once, {LARGEST_READ:,}: read parts"),
        ("own", "no fixed address: each thread has its own"),
    ],
)
def test_what_could_be_read_wrongly_is_refused(c: Program, path: str, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        c.value(path)


def test_bytes_in_the_other_order_are_not_taken_for_numbers(tmp_path: Path) -> None:
    """Which DWARF can say from version 3 on."""
    program = Program(tmp_path, {"main.c": C}, "-gdwarf-5", "gcc")
    with pytest.raises(ImageError, match="a big-endian int has no value that could be read"):
        program.value("swapped.number")


def test_what_the_compiler_left_out_is_told_with_its_value(tmp_path: Path) -> None:
    program = Program(tmp_path, {"main.c": C}, "-gdwarf-5 -O2", "gcc")
    with pytest.raises(ImageError, match="'folded' has no fixed address: the compiler left it out"):
        program.value("folded")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("both.left", 2),
        ("both.right", 3),
        ("both.both", 4),
        ("both.bits", 5),
        ("both.more", 9),
        ("Base::count", 11),
        ("outer::inner::pairs.second.first", 3),
        ("pairs.first.second", 2),
        ("outer::inner::color", 300),
        ("outer::color", 4),
        ("nothing", None),
        ("function", 0),
        ("unit", 0x20AC),
    ],
)
def test_a_value_of_cpp(cpp: Program, path: str, value: object) -> None:
    assert cpp.types.locate(path).address
    if not path.startswith("both."):  # which is made as the program begins
        assert cpp.value(path) == value


def test_a_virtual_base_is_named_where_its_members_are_asked_for(cpp: Program) -> None:
    with pytest.raises(ImageError, match=r"it has .*, own, the virtual base struct Shared"):
        cpp.types.locate("most.shared")


def test_references_and_pointers_to_members(cpp: Program) -> None:
    assert cpp.types.locate("both.ref").type.name == "int &"
    assert cpp.value("bound") == cpp.types.variable("target").address
    assert cpp.value("member") == cpp.types.struct("Right").member("right").offset
    assert str(cpp.value("outer::inner::color")) == "Blue"
    assert cpp.types.enum("Color").values == {"Red": -1, "Blue": 300}


def test_three_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    main = "int main(void) { return first() + second() + third(); }\n"
    sources = {"main.c": "extern int first(void), second(void), third(void);\n" + main}
    for number, name in enumerate(("first", "second", "third"), 1):
        (tmp_path / name).mkdir()
        text = f"static volatile int counter = {number};\nint {name}(void) {{ return counter; }}\n"
        (tmp_path / name / "alloc.c").write_text(text)
        sources[f"{name}.c"] = f'#include "{name}/alloc.c"\n' if number == 3 else text
    program = Program(tmp_path, sources, "-g", "gcc")
    for number, name in enumerate(("first", "second", "third"), 1):
        assert program.value(f"{name}.c:counter") == number
        assert program.types.symbols.address(f"{name}.c:counter")
    with pytest.raises(ImageError, match=r"first\.c:counter, second\.c:counter, third\.c:count"):
        program.value("counter")


def test_statics_of_two_functions_of_one_file(tmp_path: Path) -> None:
    text = "int {0}(void) {{ static volatile int calls = {1}; return calls; }}\n"
    main = "int main(void) { return one() + two(); }\n"
    sources = {"main.c": text.format("one", 1) + text.format("two", 2) + main}
    program = Program(tmp_path, sources, "-g", "gcc")
    assert (program.value("one::calls"), program.value("two::calls")) == (1, 2)
    with pytest.raises(ImageError, match=r"there are (one|two)::calls, (one|two)::calls$"):
        program.value("calls")


def test_code_that_was_optimised_as_one(tmp_path: Path) -> None:
    """With -flto a variable's place and its name are in different units."""
    sources = {
        "main.c": "extern int more(void);\nvolatile int seen = 4;\n"
        "static volatile int hidden = 5;\nint main(void) { return hidden + more() + seen; }\n",
        "more.c": "static volatile int kept = 6;\nint more(void) { return kept; }\n",
    }
    program = Program(tmp_path, sources, "-g -O1 -flto=1", "gcc")
    assert [program.value(each) for each in ("seen", "hidden", "kept")] == [4, 5, 6]


def test_an_object_that_is_not_linked_is_refused(tmp_path: Path) -> None:
    build(tmp_path, {"main.c": "int main(void) { return 0; }\n"}, "-g")
    with pytest.raises(ImageError, match="an object file, in which nothing has its place"):
        Types.load(tmp_path / "main.o")
