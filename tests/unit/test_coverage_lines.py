"""Lines and addresses, ranges, the file of what ran, and the figures of the reports."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ringbench.coverage.data import Data
from ringbench.coverage.lines import Lines
from ringbench.coverage.ranges import Ranges
from ringbench.coverage.summary import FileCoverage, Total, by_folder, is_below, measure
from ringbench.errors import CoverageError
from ringbench.report.coverage import as_table, percent
from ringbench.report.lcov import as_lcov

RANGE = st.tuples(st.integers(0, 60), st.integers(0, 60))


def members(ranges: Ranges) -> set[int]:
    return {address for begin, end in ranges.ranges for address in range(begin, end)}


@given(st.lists(RANGE), st.lists(RANGE), st.tuples(st.integers(0, 60), st.integers(1, 9)))
def test_ranges_are_sets(
    some: list[tuple[int, int]], others: list[tuple[int, int]], probe: tuple[int, int]
) -> None:
    one, two = Ranges.of(some), Ranges.of(others)
    assert members(one) == {at for begin, end in some for at in range(begin, end)}
    assert members(one | two) == members(one) | members(two)
    ends = [address for part in (one | two).ranges for address in part]
    assert ends == sorted(set(ends))  # none empty, none touching
    place = probe[0], sum(probe)
    assert one.touches(place) == (not members(one).isdisjoint(range(*place)))


def test_ranges_of_instructions() -> None:
    assert Ranges.of_instructions({16: 2, 10: 3, 13: 3}).ranges == ((10, 18),)


# --- the line table ------------------------------------------------------------------------------

SOURCE = """\
#include "deep/twice.h"
int unused_declaration;
int twice_of(int value) {
    return twice(value); /* inlined */
}
int positive(int value) {
    if (value > 0) {
        return 1;
    }
    return -22;
}
"""
HEADER = """\
static inline int twice(int value) {
    return value * 2;
}
"""


@pytest.fixture(scope="module", params=[5, 4])
def lines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The lines of a program of two files, by both kinds of line table that compilers write."""
    folder = tmp_path_factory.mktemp("lines")
    (folder / "deep").mkdir()
    (folder / "deep/twice.h").write_text(HEADER)
    (folder / "main.c").write_text(SOURCE)
    flags = ("-O2", f"-gdwarf-{request.param}", "-ffreestanding", "-nostdlib", "-static")
    subprocess.run(
        ["gcc", *flags, "-fcf-protection=none", "-Wl,-e,twice_of", "main.c", "-o", "main.elf"],
        cwd=folder,
        check=True,
    )
    return Lines.load(folder / "main.elf", folder)


def test_lines_with_code(lines: Lines) -> None:
    assert set(lines.files) == {"main.c", "deep/twice.h"}
    assert set(lines.files["deep/twice.h"]) == {2}
    assert {3, 5, 11} & set(lines.files["main.c"]), "functions end somewhere"
    assert not {1, 2, 4, 9} & set(lines.files["main.c"])


def test_code_of_an_inline_function_is_the_headers(lines: Lines) -> None:
    [(begin, end)] = lines.files["deep/twice.h"][2]
    files = {file.path: file for file in measure(lines, Ranges(((begin, end),)))}
    assert files["deep/twice.h"].ran == {2}
    assert files["main.c"].ran == set()
    [only] = measure(lines, Ranges(), ["deep"])
    assert only.path == "deep/twice.h"
    assert only.ran == set()


def test_sources_elsewhere_keep_their_whole_path(lines: Lines) -> None:
    elsewhere = Lines.load(lines.root / "main.elf", lines.root / "deep")
    assert set(elsewhere.files) == {str(lines.root / "main.c"), "twice.h"}


def test_kernel_without_line_tables(tmp_path: Path, lines: Lines) -> None:
    for section in (".debug_*", ".debug_line"):
        command = ["objcopy", "--wildcard", "--remove-section", section]
        subprocess.run([*command, lines.root / "main.elf", tmp_path / "bare.elf"], check=True)
        with pytest.raises(
            CoverageError, match=r"bare\.elf: no (DWARF line table|debug information)"
        ):
            Lines.load(tmp_path / "bare.elf", tmp_path)


def test_what_is_no_kernel(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ELF file")
    with pytest.raises(CoverageError, match="not an ELF file"):
        Lines.load(tmp_path / "text", tmp_path)
    with pytest.raises(CoverageError, match=r"cannot be read \(no such file"):
        Lines.load(tmp_path / "gone", tmp_path)


# --- the file of what ran ------------------------------------------------------------------------


def test_runs_add_up(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    assert Data.load(path) == Data()
    first = Data({"a": Ranges.of([(0xFFFFFFFF80110000, 0xFFFFFFFF80110004)])})
    first.save(path)
    assert Data.load(path) == first
    second = Data({"a": Ranges.of([(2, 9)]), "b": Ranges.of([(1, 2)])})
    both = Data.load(path) | second
    both.save(path)
    assert Data.load(path) == both == second | first
    assert both.ran("a").ranges == ((2, 9), (0xFFFFFFFF80110000, 0xFFFFFFFF80110004))
    assert both.ran("b").ranges == ((1, 2),)
    assert both.ran("never seen") == Ranges()
    assert [file.name for file in tmp_path.iterdir()] == ["kernel.json"]


WRONG_BUILDS: Final[list[object]] = [None, [], {"a": [1]}, {"a": [["0x1"]]}, {"a": [["x", "0x1"]]}]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"format": "coverage.py"}'),
        *(
            json.dumps({"format": "ringbench kernel coverage 1", "builds": builds})
            for builds in WRONG_BUILDS
        ),
    ],
)
def test_another_file_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kernel.json"
    path.write_text(text)
    with pytest.raises(CoverageError, match="not a file of 'ringbench kernel coverage 1'"):
        Data.load(path)


def test_places_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(CoverageError, match="cannot be read"):
        Data.load(tmp_path)
    with pytest.raises(CoverageError, match="cannot be written"):
        Data().save(tmp_path / "none" / "kernel.json")


# --- the reports ---------------------------------------------------------------------------------

FILES = (
    FileCoverage("kernel/a/one.c", frozenset({3, 4, 7, 9, 12, 13}), frozenset({3, 9})),
    FileCoverage("kernel/a/two.c", frozenset({1, 2}), frozenset({1, 2})),
    FileCoverage("kernel/b/three.h", frozenset(range(1, 2000)), frozenset(range(2, 2000))),
)


def test_stretches_without_a_line_that_ran() -> None:
    assert FILES[0].missing == ((4, 7), (12, 13))
    assert FILES[1].missing == ()
    assert FILES[2].missing == ((1, 1),)


def test_totals() -> None:
    assert Total.of(FILES) == Total(2007, 2002)
    assert Total.of([]).percent == 100
    assert [(folder, len(files)) for folder, files in by_folder(FILES)] == [
        ("kernel/a", 2),
        ("kernel/b", 1),
    ]
    assert percent(Total(1999, 1998)) == "99.9"
    assert percent(Total(1999, 1999)) == "100.0"


@pytest.mark.parametrize(
    ("path", "prefix", "below"),
    [
        ("kernel/pmm/a.c", "kernel/pmm", True),
        ("kernel/pmm/a.c", "./kernel/pmm/", True),
        ("kernel/pmm/a.c", "kernel/pmm/a.c", True),
        ("kernel/pmm/a.c", ".", True),
        ("kernel/pmmx/a.c", "kernel/pmm", False),
        ("kernel/pmm/a.c", "pmm", False),
        ("/other/a.c", "/other", True),
        ("/other/a.c", "/", True),
    ],
)
def test_prefixes_are_whole_names(path: str, prefix: str, below: bool) -> None:
    assert is_below(path, prefix) == below


def test_table_names_what_did_not_run() -> None:
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(as_table(FILES))
    rows = [line.split() for line in capture.get().splitlines()]
    assert ["kernel/a", "8", "4", "50.0"] in rows
    assert ["one.c", "6", "2", "33.3", "4-7,", "12-13"] in rows
    assert ["three.h", "1,999", "1,998", "99.9", "1"] in rows
    assert ["all", "2,007", "2,002", "99.7"] in rows
    assert not any("two.c" in row for row in rows)


def test_lcov_tracefile() -> None:
    assert as_lcov(FILES[:2], Path("/src")) == (
        "TN:\nSF:/src/kernel/a/one.c\nDA:3,1\nDA:4,0\nDA:7,0\nDA:9,1\nDA:12,0\nDA:13,0\n"
        "LF:6\nLH:2\nend_of_record\n"
        "TN:\nSF:/src/kernel/a/two.c\nDA:1,1\nDA:2,1\nLF:2\nLH:2\nend_of_record\n"
    )
