"""A kernel's code is recognised where it runs, also after it changed some of it."""

from pathlib import Path

import pytest

from ringbench.debuginfo.code import PAGE, slides
from ringbench.debuginfo.dwarf import Types
from ringbench.debuginfo.symbols import Symbols
from tests.unit.programs import StaticMemory, build

SOURCE = "int counter = 7;\n" + "".join(
    f"int step{n}(int x) {{ return x * {n + 3} + counter / (x + {n * 77 + 1}); }}\n"
    for n in range(400)
)
MAIN = "int main(void) { return 0; }"
SLIDE = 0x2A00000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("code"), {"steps.c": SOURCE, "main.c": MAIN}, "-g")


def _page(program: Path, function: str) -> tuple[int, bytes]:
    start = Symbols.load(program).address(function) & -PAGE
    return start, StaticMemory(program)(start, PAGE)


def test_a_page_of_code_says_how_far_it_moved(program: Path) -> None:
    linked, page = _page(program, "step100")
    for slide in (0, SLIDE, -PAGE, 0xFFFFFFFF00000000):
        assert slides(program, linked + slide, page) == [slide]


def test_also_with_some_of_it_changed(program: Path) -> None:
    linked, page = _page(program, "step100")
    changed = bytearray(page)
    changed[::100] = b"\xcc" * len(changed[::100])
    assert slides(program, linked + SLIDE, bytes(changed)) == [SLIDE]


def test_other_code_is_not_taken_for_it(program: Path) -> None:
    linked, page = _page(program, "step100")
    assert slides(program, linked, bytes(PAGE)) == []
    assert slides(program, linked, bytes(reversed(page))) == []
    assert slides(program, linked, page[8:] + page[:8]) == []


def test_addresses_are_where_the_program_runs(program: Path) -> None:
    types, moved = Types.load(program), Types.load(program, SLIDE)
    place = types.variable("counter").address
    assert moved.variable("counter").address == place + SLIDE
    assert moved.symbols.address("counter") == place + SLIDE
    assert str(moved.symbols.at(place + SLIDE + 1)) == "counter+0x1"
    assert moved.symbols.at(place) is None
    assert moved.symbols.size("counter") == 4
    assert types.variable("counter").address == place


def test_further_files_are_searched_after_the_first(program: Path, tmp_path: Path) -> None:
    sources = {"main.c": "struct user { int id; } user = { 9 };\nint counter = 8;\n" + MAIN}
    user = build(tmp_path, sources, "-g -Wl,-Ttext-segment=0x70000000")
    both = Types.load(program, SLIDE, [user])
    alone = Types.load(user)
    assert both.variable("user") == both.locate("user")
    assert both.variable("user").address == alone.variable("user").address
    assert both.value(StaticMemory(user), "user.id") == 9
    assert both.struct("struct user").size == 4
    assert (
        both.variable("counter").address == Types.load(program, SLIDE).variable("counter").address
    )
    symbols = both.symbols
    assert symbols.address("user") == alone.symbols.address("user")
    assert symbols.size("user") == 4
    assert str(symbols.at(alone.symbols.address("user") + 2)) == "user+0x2"
