"""Types, variables and symbols against a C program that prints the truth about itself."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from ringbench.debuginfo.dwarf import Array, Enum, Integer, Pointer, Types, read_array, read_value
from ringbench.debuginfo.symbols import Symbols
from ringbench.errors import ImageError

PROGRAM = r"""
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum status { OK = 0, BAD = -3, WORSE = -4 };
typedef enum { RED = 1, GREEN = 200, BLUE = 70000 } colour_t;
typedef uint64_t paddr_t;
typedef paddr_t frame_t;
struct node { struct node *next; uint32_t tag; const volatile uint8_t bytes[3]; };
typedef struct { int16_t x, y; } point_t;
union word { uint64_t whole; uint16_t parts[4]; };
struct later;
struct flexible { uint32_t count; uint64_t items[]; };
struct empty_tail { uint8_t first; uint8_t none[0]; };
struct all {
    uint8_t u8; int8_t i8; uint16_t u16; int16_t i16; uint32_t u32; int32_t i32;
    uint64_t u64; int64_t i64; bool yes, no; char letter; unsigned char text[6];
    double real;
    frame_t frame;
    enum status status, odd; colour_t colour;
    struct node node, nodes[2];
    point_t points[2][3];
    union word word;
    union { uint32_t tagged; struct { uint16_t low, high; }; };
    struct { uint8_t deep; } named;
    struct node *head; const char *string; void *nothing; int (*function)(int);
    struct later *opaque;
};
struct bits { uint32_t plain; uint32_t one : 1, rest : 31; };

struct node tail = { NULL, 7, { 1, 2, 3 } };
int twice(int x) { return 2 * x; }
struct all all = {
    200, -100, 60000, -30000, 4000000000u, -2000000000, 0xfedcba9876543210, -5000000000000000000,
    true, false, 'q', "hello", 2.5, 0x12345000, BAD, 42, BLUE,
    { &tail, 9, { 4, 5, 6 } }, { { NULL, 1, { 0 } }, { &tail, 2, { 7 } } },
    { { { 1, -1 }, { 2, -2 }, { 3, -3 } }, { { 4, -4 }, { 5, -5 }, { 6, -6 } } },
    { .whole = 0x4444333322221111 }, { .tagged = 0x00050006 }, { 77 },
    &tail, "text", NULL, twice, NULL,
};
struct flexible flexible = { 3, { 10, 20, 1ull << 63 } };
struct empty_tail empty_tail = { 5 };
struct bits bits = { 1, 1, 5 };
static const uint16_t table[4] = { 1, 2, 3, 65535 };
extern int declared_first[2];
int declared_first[2] = { 11, -12 };
extern uint64_t from_assembly;
__asm__(".globl from_assembly\n .data\n .balign 8\n from_assembly: .quad 0x77\n .text");
__asm__(".globl bare_start\n bare_start: nop\n nop\n nop\n .globl bare_end\n bare_end: nop");

#define O(s, m) printf("\"" #s "." #m "\": %zu,", offsetof(s, m))
#define S(t) printf("\"" #t "\": %zu,", sizeof(t))
int main(void) {
    struct all *volatile p = &all;
    printf("{\"offsets\": {");
    O(struct all, u8); O(struct all, i8); O(struct all, u16); O(struct all, i16);
    O(struct all, u32); O(struct all, i32); O(struct all, u64); O(struct all, i64);
    O(struct all, no); O(struct all, letter); O(struct all, text); O(struct all, real);
    O(struct all, frame); O(struct all, odd); O(struct all, colour); O(struct all, node.bytes[2]);
    O(struct all, nodes[1].tag); O(struct all, points[1][2].y); O(struct all, word.parts[3]);
    O(struct all, tagged); O(struct all, high); O(struct all, named.deep); O(struct all, head);
    O(struct all, opaque); O(struct flexible, items); O(struct empty_tail, none);
    printf("\"\": 0}, \"sizes\": {");
    S(struct all); S(struct node); S(union word); S(struct flexible); S(enum status);
    S(colour_t); S(point_t); S(frame_t); S(struct empty_tail); S(unsigned int); S(_Bool);
    printf("\"\": 0}, \"addresses\": {\"all\": %zu, \"tail\": %zu, \"table\": %zu, \"twice\": %zu,"
           "\"from_assembly\": %zu, \"main\": %zu},",
           (size_t)&all, (size_t)&tail, (size_t)table, (size_t)twice, (size_t)&from_assembly,
           (size_t)main);
    printf("\"values\": {\"u8\": %u, \"i8\": %d, \"u16\": %u, \"i16\": %d, \"u32\": %u,",
           p->u8, p->i8, p->u16, p->i16, p->u32);
    printf("\"i32\": %d, \"u64\": %lu, \"i64\": %ld, \"letter\": %d, \"real\": %f,",
           p->i32, p->u64, p->i64, p->letter, p->real);
    printf("\"frame\": %lu, \"status\": %d, \"odd\": %d, \"colour\": %d,",
           p->frame, p->status, p->odd, p->colour);
    printf("\"low\": %u, \"high\": %u,", p->low, p->high);
    printf("\"tagged\": %u, \"head\": %zu, \"string\": %zu, \"nothing\": %zu, \"function\": %zu}}",
           p->tagged, (size_t)p->head, (size_t)p->string, (size_t)p->nothing, (size_t)p->function);
    return 0;
}
"""

OTHER = r"""
struct later { long inside; };
struct later *make_later(void) { static struct later one; return &one; }
struct later a_later = { 1234 };
static int hidden = 1; int *hidden_1(void) { return &hidden; }
"""
ANOTHER = "static int hidden = 2; int *hidden_2(void) { return &hidden; }\n"


class Program:
    """A compiled program, what it prints, and its initialised data as memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.truth: dict[str, dict[str, Any]] = json.loads(
            subprocess.run([path], check=True, capture_output=True, timeout=20).stdout
        )
        self.types = Types.load(path)
        with path.open("rb") as file:
            elf = ELFFile(file)
            self.segments = [
                (segment["p_vaddr"], segment.data())
                for segment in elf.iter_segments()
                if segment["p_type"] == "PT_LOAD"
            ]

    def read(self, address: int, length: int) -> bytes:
        for base, data in self.segments:
            if base <= address and address + length <= base + len(data):
                return bytes(data[address - base : address - base + length])
        raise AssertionError(f"{address:#x} + {length} is not in the file")


@pytest.fixture(scope="module", params=["-O0 -gdwarf-5", "-O2 -gdwarf-4"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("program")
    for name, text in (("main.c", PROGRAM), ("other.c", OTHER), ("another.c", ANOTHER)):
        (folder / name).write_text(text)
    flags = request.param.split()
    sources = ["main.c", "other.c", "another.c"]
    command = ["gcc", *flags, "-no-pie", "-fno-pic", *sources, "-o", "program"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return Program(folder / "program")


def test_every_offset_is_the_compilers(program: Program) -> None:
    for path, offset in program.truth["offsets"].items():
        if path:
            struct_name, member = path.split(".", 1)
            assert program.types.offset(program.types.type(struct_name), member)[0] == offset, path


def test_every_size_is_the_compilers(program: Program) -> None:
    for name, size in program.truth["sizes"].items():
        if name:
            assert program.types.type(name).size == size, name


def test_addresses_of_variables_and_functions(program: Program) -> None:
    truth = program.truth["addresses"]
    for name in ("all", "tail", "table", "from_assembly"):
        assert program.types.variable(name).address == truth[name], name
    for name in ("twice", "main", "from_assembly"):
        assert program.types.symbols.address(name) == truth[name], name


def test_a_whole_record_has_the_values_that_the_program_prints(program: Program) -> None:
    record = program.types.value(program.read, "all")
    for name, value in program.truth["values"].items():
        assert getattr(record, name) == value, name
    assert (record.yes, record.no) == (True, False)
    assert record.address == program.truth["addresses"]["all"]


def test_nested_things(program: Program) -> None:
    record = program.types.value(program.read, "all")
    assert bytes(record.text) == b"hello\0"
    assert record.node.bytes == [4, 5, 6]
    assert [node.tag for node in record.nodes] == [1, 2]
    assert record.nodes[1].next == program.truth["addresses"]["tail"]
    size = program.types.type("struct node").size
    assert record.nodes[1].address == record.nodes[0].address + size
    assert [[(p.x, p.y) for p in row] for row in record.points] == [
        [(1, -1), (2, -2), (3, -3)],
        [(4, -4), (5, -5), (6, -6)],
    ]
    assert record.word.parts == [0x1111, 0x2222, 0x3333, 0x4444]
    assert record.named.deep == 77
    assert record.as_dict()["nodes"][1]["bytes"] == [7, 0, 0]


def test_enumerations_know_their_names(program: Program) -> None:
    record = program.types.value(program.read, "all")
    assert (record.status, str(record.status)) == (-3, "BAD")
    assert (record.odd, record.odd.label, str(record.odd)) == (42, None, "42")
    assert (record.colour.label, int(record.colour)) == ("BLUE", 70000)
    status = program.types.enum("enum status")
    assert dict(status.values) == {"OK": 0, "BAD": -3, "WORSE": -4}
    assert status.name_of(-4) == "WORSE"
    assert isinstance(program.types.type("colour_t"), Enum)


def test_a_part_of_a_variable_by_its_path(program: Program) -> None:
    assert program.types.value(program.read, "all.nodes[1].tag") == 2
    assert program.types.value(program.read, "all.points[1][2].y") == -6
    assert program.types.value(program.read, "all.high") == 5
    assert program.types.value(program.read, "table[3]") == 65535
    assert program.types.value(program.read, "table") == [1, 2, 3, 65535]
    assert program.types.value(program.read, "declared_first") == [11, -12]
    assert program.types.value(program.read, "from_assembly") == 0x77


def test_only_the_asked_part_is_read(program: Program) -> None:
    reads: list[tuple[int, int]] = []

    def reader(address: int, length: int) -> bytes:
        reads.append((address, length))
        return program.read(address, length)

    program.types.value(reader, "all.nodes[1].tag")
    assert [length for _, length in reads] == [4]


def test_following_a_pointer(program: Program) -> None:
    record = program.types.value(program.read, "all")
    head = program.types.locate("all.head").type
    assert isinstance(head, Pointer)
    assert read_value(program.read, record.head, head.target).tag == 7
    string = program.types.locate("all.string").type
    assert isinstance(string, Pointer)
    assert bytes(read_array(program.read, record.string, string.target, 4)) == b"text"
    opaque = program.types.locate("all.opaque").type
    assert isinstance(opaque, Pointer)
    # Only declared where `all` is; complete in another unit.
    later = read_value(program.read, program.types.variable("a_later").address, opaque.target)
    assert later.inside == 1234
    for name in ("nothing", "function"):
        blind = program.types.locate(f"all.{name}").type
        assert isinstance(blind, Pointer)
        with pytest.raises(ImageError, match="no value that could be read"):
            read_value(program.read, record.head, blind.target)


def test_flexible_arrays_read_as_empty_and_by_count(program: Program) -> None:
    record = program.types.value(program.read, "flexible")
    assert (record.count, record.items) == (3, [])
    items = program.types.locate("flexible.items")
    assert isinstance(items.type, Array)
    assert items.type.count is None
    found = read_array(program.read, items.address, items.type.element, record.count)
    assert found == [10, 20, 1 << 63]
    assert program.types.value(program.read, "flexible.items[2]") == 1 << 63
    assert program.types.value(program.read, "empty_tail").none == []


def test_typedef_chains_end_at_the_type(program: Program) -> None:
    frame = program.types.type("frame_t")
    assert isinstance(frame, Integer)
    assert (frame.size, frame.signed) == (8, False)
    assert program.types.struct("point_t").name == "struct point_t"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "no variable 'nowhere'"),
        ("all.nowhere", "struct all has no member 'nowhere'; it has u8, i8"),
        ("all.u8.deeper", "has no member 'deeper'"),
        ("all.u8[1]", "is not an array"),
        ("all.nodes[2]", r"has no \[2\]"),
        ("all.nodes[-1]", "is not a path"),
        ("all.", "is not a path"),
        ("hidden", "symbol 'hidden' is ambiguous"),
        ("bits", "struct bits: member 'one' is a bit-field"),
    ],
)
def test_a_wrong_path_is_told_with_the_file(program: Program, path: str, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        program.types.value(program.read, path)
    if "is not a path" not in words:
        assert str(program.path) in str(caught.value)


def test_wrong_type_names_are_told(program: Program) -> None:
    with pytest.raises(ImageError, match="no type 'struct nothing'"):
        program.types.type("struct nothing")
    with pytest.raises(ImageError, match="not a struct"):
        program.types.struct("frame_t")
    with pytest.raises(ImageError, match="not an enumeration"):
        program.types.enum("struct node")


def test_a_missing_member_of_a_record_is_an_attribute_error(program: Program) -> None:
    record = program.types.value(program.read, "tail")
    with pytest.raises(AttributeError, match="struct node has no member 'prev'; it has next"):
        _ = record.prev


def test_symbols_by_address(program: Program) -> None:
    symbols = Symbols.load(program.path)
    twice = symbols.address("twice")
    assert str(symbols.at(twice)) == "twice"
    assert str(symbols.at(twice + 3)) == "twice+0x3"
    assert symbols.describe(twice + 3) == f"{twice + 3:#x} <twice+0x3>"
    bare = symbols.address("bare_start")
    assert str(symbols.at(bare + 2)) == "bare_start+0x2"
    all_ = symbols.address("all")
    assert str(symbols.at(all_ + symbols.size("all") - 1)).startswith("all+")
    assert not str(symbols.at(all_ + symbols.size("all"))).startswith("all")
    assert symbols.at(1) is None
    assert symbols.at(2**64 - 1) is None
    assert len(symbols.addresses("hidden")) == 2
    with pytest.raises(ImageError, match="no symbol 'nowhere'"):
        symbols.address("nowhere")


def test_files_that_are_no_use(program: Program, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="missing: the kernel cannot be read"):
        Types.load(tmp_path / "missing")
    with pytest.raises(ImageError, match="this is a folder"):
        Types.load(tmp_path)
    text = tmp_path / "text"
    text.write_text("not a kernel")
    with pytest.raises(ImageError, match="not an ELF file"):
        Types.load(text)
    text.write_bytes(b"")
    with pytest.raises(ImageError, match="not an ELF file"):
        Types.load(text)
    for option, words in (("--strip-debug", "no debug information"), ("--strip-all", "stripped")):
        stripped = tmp_path / option
        subprocess.run(["objcopy", option, program.path, stripped], check=True, timeout=20)
        with pytest.raises(ImageError, match=words):
            Types.load(stripped)
    narrow = tmp_path / "narrow"
    command = ["objcopy", "-O", "elf32-i386", str(program.path), str(narrow)]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    with pytest.raises(ImageError, match="this is a 32-bit one"):
        Types.load(narrow)


@pytest.mark.parametrize("length", [20, 64, 200, 5000])
def test_a_truncated_file_is_told(program: Program, tmp_path: Path, length: int) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(program.path.read_bytes()[:length])
    with pytest.raises(ImageError):
        Types.load(cut)
