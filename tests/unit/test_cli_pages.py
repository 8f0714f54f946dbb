"""`ringbench pages` and `translate` on saved dumps, through the command line itself."""

import json
import os
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from ringbench.cli.main import run

ROOT = 0x1000
NX = 1 << 63


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Return a guest's memory of nine frames: two 4 KiB pages that merge, one 2 MiB, a bad one."""
    words = {
        0x1000: 0x2027,
        0x1000 + 8 * 256: 0x2023,
        0x2000: 0x3027,
        0x3000: 0x4027,
        0x3008: 0x4000_01E7 | NX,
        0x3010: 0x7777_7003,  # a table outside memory
        0x4000 + 8 * 5: 0x10_0027,
        0x4000 + 8 * 6: 0x10_1067,
        0x4000 + 8 * 7: 0x10_2025 | NX,
    }
    data = bytearray(9 * 4096)
    for paddr, word in words.items():
        struct.pack_into("<Q", data, paddr, word)
    path = tmp_path / "memory.bin"
    path.write_bytes(data)
    return path


class Outcome:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def ringbench(capfd: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> Outcome:
        status = run([str(each) for each in arguments])
        return Outcome(status, *capfd.readouterr())

    return call


def test_pages_as_json_has_every_range_and_the_problem(ringbench: Any, dump: Path) -> None:
    data = ringbench("pages", "--dump", dump, "--root", hex(ROOT), "--json").json
    assert (data["root"], data["levels"]) == (0x1000, 4)
    upper = 0xFFFF_8000_0000_0000
    rows = [
        (r["virtual"], r["physical"], r["length"], r["page_size"], r["write"], r["user"])
        for r in data["ranges"]
    ]
    assert rows == [
        (0x5000, 0x10_0000, 0x2000, 0x1000, True, True),
        (0x7000, 0x10_2000, 0x1000, 0x1000, False, True),
        (0x20_0000, 0x4000_0000, 0x20_0000, 0x20_0000, True, True),
        (upper + 0x5000, 0x10_0000, 0x2000, 0x1000, True, False),
        (upper + 0x7000, 0x10_2000, 0x1000, 0x1000, False, False),
        (upper + 0x20_0000, 0x4000_0000, 0x20_0000, 0x20_0000, True, False),
    ]
    assert [r["execute"] for r in data["ranges"]] == [True, False, False] * 2
    assert [r["global"] for r in data["ranges"]] == [False, False, True] * 2
    assert {r["cache"] for r in data["ranges"]} == {"WB"}
    assert data["leaf_count"] == 8
    assert data["tables"] == {"PML4": 1, "PDPT": 2, "PD": 2, "PT": 2}
    assert [(p["problem"], p["virtual"], p["table"]) for p in data["problems"]] == [
        ("table outside memory", 0x40_0000, 0x7777_7000),
        ("table outside memory", upper + 0x40_0000, 0x7777_7000),
    ]


def test_leaves_are_not_merged(ringbench: Any, dump: Path) -> None:
    data = ringbench("pages", "--dump", dump, "--root", ROOT, "--json", "--leaves").json
    assert "ranges" not in data
    assert [leaf["virtual"] for leaf in data["leaves"][:3]] == [0x5000, 0x6000, 0x7000]
    assert len(data["leaves"]) == data["leaf_count"] == 8
    assert [leaf["dirty"] for leaf in data["leaves"][:3]] == [False, True, False]
    assert data["leaves"][1]["raw"] == 0x10_1067


def test_an_empty_root_is_an_empty_list(ringbench: Any, dump: Path) -> None:
    arguments = ("pages", "--dump", dump, "--root", "0x8000", "--json")
    assert ringbench(*arguments).json["ranges"] == []
    assert ringbench(*arguments, "--leaves").json["leaves"] == []


def test_pages_as_a_table_cuts_no_address(ringbench: Any, dump: Path) -> None:
    outcome = ringbench("pages", "--dump", dump, "--root", "0x1000")
    assert outcome.status == 0
    assert re.search(r"0{12}5000 . 0{12}6fff . +100000 . +8K . 4K +. urwx", outcome.out)
    assert re.search(r"ffff800000200000 . ffff8000003fffff .*2M +. -rw-g", outcome.out)
    assert "problem: 0x400000 + 0x200000: table outside memory: PT 0x77777000" in outcome.out
    leaves = ringbench("pages", "--dump", dump, "--root", "0x1000", "--leaves")
    assert re.search(r"0{12}6000 . 0{12}6fff . +101000 . +4K", leaves.out)


def test_translate_level_by_level(ringbench: Any, dump: Path) -> None:
    data = ringbench("translate", "0x6123", "--dump", dump, "--root", "0x1000", "--json").json
    assert data["physical"] == 0x10_1123
    assert data["page"]["virtual"] == 0x6000
    assert data["page"]["length"] == 0x1000
    assert [(s["name"], s["table"], s["index"]) for s in data["levels"]] == [
        ("PML4", 0x1000, 0),
        ("PDPT", 0x2000, 0),
        ("PD", 0x3000, 0),
        ("PT", 0x4000, 6),
    ]
    assert [s["leaf"] for s in data["levels"]] == [False, False, False, True]
    assert data["levels"][3]["text"] == "P|W|U|A|D 0x101000"
    table = ringbench("translate", str(0x6123), "--dump", dump, "--root", "4096")
    assert "0x6123 -> 0x101123: 4K page 0x6000 -> 0x101000, urwx, WB" in table.out
    assert "P|W|U|A|D 0x101000" in table.out


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0x8000", "not present at level 1 (PT)"),
        ("0x40000000", "not present at level 3 (PDPT)"),
        ("0x400000", "table outside memory at level 1 (PT)"),
    ],
)
def test_translate_says_where_it_ends(
    ringbench: Any, dump: Path, address: str, reason: str
) -> None:
    data = ringbench("translate", address, "--dump", dump, "--root", "0x1000", "--json").json
    assert (data["physical"], data["page"], data["reason"]) == (None, None, reason)
    outcome = ringbench("translate", address, "--dump", dump, "--root", "0x1000")
    assert (outcome.status, outcome.err) == (0, "")
    assert f"{address}: {reason}" in outcome.out


def test_a_partial_last_page_is_readable_up_to_its_end(ringbench: Any, dump: Path) -> None:
    with dump.open("ab") as file:
        file.write(b"\0" * 100)
    assert ringbench("pages", "--dump", dump, "--root", "0x1000", "--json").json["ranges"]
    outcome = ringbench("pages", "--dump", dump, "--root", "0x9000")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--root 0x9000 is not inside" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pages", "--dump", "{none}", "--root", "0x1000"], "no such file"),
        (["pages", "--dump", "{folder}", "--root", "0x1000"], "this is a folder"),
        (["pages", "--dump", "{pipe}", "--root", "0x1000"], "this is a pipe"),
        (["pages", "--dump", "{empty}", "--root", "0"], "the file is empty"),
        (["pages", "--dump", "{text}", "--root", "0"], "a text file"),
        (["pages", "--dump", "{small}", "--root", "0"], "100 bytes, less than one page"),
        (["pages", "--dump", "{dump}"], "--dump needs --root"),
        (["pages", "--levels", "5"], "--levels is for --dump"),
        (["pages", "--dump", "{dump}", "--root", "0", "--levels", "3"], "'3' is not one of"),
        (["pages", "--dump", "{dump}", "--root", "0", "--with", "wz"], "'z' is no right"),
        (["pages", "--dump", "{dump}", "--root", "0", "--without", "r"], "'r' is no right"),
        (["pages", "--dump", "{dump}", "--root", "0", "--size", "4M"], "'4M' is not one of"),
        (["pages", "--dump", "{dump}", "--root", "0", "--physical", "x"], "is not a number"),
        (["pages", "--dump", "{dump}", "--root", "0", "--physical", "8..8"], "is empty"),
        (["pages", "--dump", "{dump}", "--root", "0", "--from", "8", "--to", "8"], "above --from"),
        (
            ["translate", "0x200000000000000", "--dump", "{dump}", "--root", "0x1000"],
            "with 5 levels of page tables bits 63 to 56 must all be equal",
        ),
        (["pages", "--dump", "{dump}", "--root", "0x1008"], "not a multiple of 4096"),
        (["pages", "--dump", "{dump}", "--root", "0x100000"], "not inside the dump"),
        (["pages", "--dump", "{dump}", "--root", "0xfffffffffffff000"], "not inside the dump"),
        (["pages", "--dump", "{dump}", "--root", "1000h"], "'1000h' is not a number"),
        (["pages", "--dump", "{dump}", "--root", "-4096"], "'-4096' is not a number"),
        (["pages", "--dump", "{dump}", "--root", "0", "--save-dump", "x"], "--dump boots none"),
        (["translate", "--dump", "{dump}", "--root", "0x1000"], "Missing argument 'VA'"),
        (["translate", "zero", "--dump", "{dump}", "--root", "0x1000"], "is not a number"),
        (["translate", "0x", "--dump", "{dump}", "--root", "0x1000"], "is not a number"),
        (["translate", "1_0", "--dump", "{dump}", "--root", "0x1000"], "is not a number"),
        (["translate", "0x1" + "0" * 16, "--dump", "{dump}", "--root", "0"], "fit in 64 bits"),
        (["translate", "9" * 5000, "--dump", "{dump}", "--root", "0"], "fit in 64 bits"),
        (
            ["translate", "0x800000000000", "--dump", "{dump}", "--root", "0x1000"],
            "0x800000000000 is not a canonical address",
        ),
    ],
)
def test_bad_input_is_one_message_and_status_2(
    ringbench: Any, dump: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("Gehört hier nicht hin.\n" * 10)
    (tmp_path / "small").write_bytes(bytes(100))
    places = {name: tmp_path / name for name in ("none", "empty", "pipe", "text", "small")}
    filled = [each.format(dump=dump, folder=tmp_path, **places) for each in arguments]
    outcome = ringbench(*filled)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_a_space_that_never_ends_is_cut_and_says_so(ringbench: Any, dump: Path) -> None:
    with dump.open("r+b") as file:
        file.seek(0x8000)
        file.write(struct.pack("<512Q", *[0x7007] * 512))
        file.seek(0x7000)
        file.write(struct.pack("<512Q", *[0x7007] * 512))
    arguments = ("pages", "--dump", dump, "--root", "0x8000", "--limit", 2000)
    data = ringbench(*arguments, "--json").json
    assert [p["problem"] for p in data["problems"]] == ["too many records"]
    outcome = ringbench(*arguments)
    assert "... and " in outcome.out
    assert "too many records" in outcome.out


def test_console_lines_need_a_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = tmp_path / "memory.bin"
    dump.write_bytes(bytes(8192))
    assert run(["pages", "--dump", str(dump), "--root", "0", "--command", "help"]) == 2
    assert "--command" in capsys.readouterr().err


def ranges(outcome: Outcome) -> list[tuple[int, int, int]]:
    return [(r["virtual"], r["physical"], r["length"]) for r in outcome.json["ranges"]]


UPPER = 0xFFFF_8000_0000_0000


def test_only_some_pages(ringbench: Any, dump: Path) -> None:
    """By rights, by addresses, by size, and several of these together."""
    at = ("pages", "--dump", dump, "--root", "0x1000", "--json")
    assert ranges(ringbench(*at, "--with", "wu", "--without", "g")) == [(0x5000, 0x10_0000, 0x2000)]
    assert ranges(ringbench(*at, "--with", "r", "--without", "xg")) == [
        (0x7000, 0x10_2000, 0x1000),
        (UPPER + 0x7000, 0x10_2000, 0x1000),
    ]
    assert ranges(ringbench(*at, "--size", "2m", "--with", "u")) == [
        (0x20_0000, 0x4000_0000, 0x20_0000)
    ]
    assert ranges(ringbench(*at, "--from", "0x6000", "--to", "0x7001")) == [
        (0x6000, 0x10_1000, 0x1000),
        (0x7000, 0x10_2000, 0x1000),
    ]
    table = ringbench(*at[:-1], "--to", "0x7fff", "--with", "x")
    assert "only pages with x, virtual 0x0..0x7fff: 2 of 8" in table.out


def test_every_mapping_of_a_frame(ringbench: Any, dump: Path) -> None:
    """Of a large page the part that reaches the frame."""
    at = ("pages", "--dump", dump, "--root", "0x1000", "--json")
    assert ranges(ringbench(*at, "--physical", "0x101fff")) == [
        (0x6000, 0x10_1000, 0x1000),
        (UPPER + 0x6000, 0x10_1000, 0x1000),
    ]
    data = ringbench(*at, "--physical", "0x40003000..0x40005000", "--with", "u")
    assert ranges(data) == [(0x20_3000, 0x4000_3000, 0x2000)]
    assert ranges(ringbench(*at, "--physical", "0x900000")) == []
    both = ("--physical", "0x40003000..0x40005000", "--from", "0x204000", "--to", "0x206000")
    assert ranges(ringbench(*at, *both)) == [(0x20_4000, 0x4000_4000, 0x1000)]
    assert ranges(ringbench(*at, *both[:2], "--from", "0x206000", "--to", "0x207000")) == []
    leaves = ringbench(*at, "--physical", "0x40003000", "--leaves").json["leaves"]
    assert [leaf["virtual"] for leaf in leaves] == [0x20_0000, UPPER + 0x20_0000]


def test_a_recursive_slot_is_one_line_and_its_pages_are_found_by_frame(
    ringbench: Any, dump: Path
) -> None:
    before = ringbench("pages", "--dump", dump, "--root", "0x1000", "--json").json
    with dump.open("r+b") as file:
        file.seek(0x1000 + 8 * 300)
        file.write(struct.pack("<Q", 0x1003))
    for view in ([], ["--leaves"]):
        data = ringbench("pages", "--dump", dump, "--root", "0x1000", "--json", *view).json
        [slot] = data["recursive"]
        assert (slot["slot"], slot["virtual"], slot["length"]) == (
            300,
            (0xFFFF << 48) + (300 << 39),
            1 << 39,
        )
        assert (slot["write"], slot["user"], slot["execute"]) == (True, False, True)
        assert data["leaf_count"] == before["leaf_count"]
        assert data["tables"] == before["tables"]
    table = ringbench("pages", "--dump", dump, "--root", "0x1000").out
    assert "window on the tables, slot 300, 0xffff960000000000..0xffff967fffffffff -rwx" in table
    found = ringbench("pages", "--dump", dump, "--root", "0x1000", "--json", "--physical", "0x1000")
    assert [each["virtual"] for each in found.json["ranges"]] == [
        (0xFFFF << 48) + (300 << 39) + (300 << 30) + (300 << 21) + (300 << 12)
    ]
    assert found.json["tables"] == before["tables"]


def test_warnings_stand_below_the_table_and_change_no_status(ringbench: Any, dump: Path) -> None:
    outcome = ringbench("pages", "--dump", dump, "--root", "0x1000")
    assert outcome.status == 0
    assert "warning: writable and executable: 0x5000..0x6fff -> 0x100000" in outcome.out
    data = ringbench("pages", "--dump", dump, "--root", "0x1000", "--json").json
    assert [each["what"] for each in data["warnings"]] == [
        "writable and executable",
        "writable and executable",
        "table outside memory",
        "table outside memory",
    ]
    assert data["information"] == []


def test_no_number_in_json_is_a_string(ringbench: Any, dump: Path) -> None:
    def strings(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for each in value.values() for text in strings(each)]
        if isinstance(value, list):
            return [text for each in value for text in strings(each)]
        return [value] if isinstance(value, str) else []

    at = ("--dump", dump, "--root", "0x1000", "--json")
    for arguments in (("pages", *at), ("pages", *at, "--leaves"), ("translate", "0x6123", *at)):
        data = ringbench(*arguments).json
        assert data["root"] == 0x1000
        assert not [text for text in strings(data) if re.fullmatch(r"(0x)?[0-9a-f]+", text)]


def test_a_dump_of_5_levels_is_known_by_its_tables(ringbench: Any, dump: Path) -> None:
    """Each of three 2 MiB pages would be a 4 KiB page, were the root a PML4."""
    with dump.open("r+b") as file:
        for paddr, word in ((0x5000, 0x6003), (0x6000, 0x7003), (0x7000, 0x8003)):
            file.seek(paddr + 8 * 511)
            file.write(struct.pack("<Q", word))
        file.seek(0x8000)
        file.write(struct.pack("<3Q", 0x83, 0x20_0083, 0x8000_0000_0040_0083))
    at = ("pages", "--dump", dump, "--root", "0x5000", "--json")
    base = 2**64 - (1 << 30)
    found = ringbench(*at)
    assert ranges(found) == [(base, 0, 0x40_0000), (base + 0x40_0000, 0x40_0000, 0x20_0000)]
    assert "reads well as a PML5 alone" in ringbench(*at).err
    for levels in (5, 4):
        outcome = ringbench(*at, "--levels", levels)
        assert outcome.err == ""
        assert (outcome.json["levels"], "PML5" in outcome.json["tables"]) == (levels, levels == 5)
    walk = ringbench("translate", hex(base + 0x1234), *at[1:])
    assert walk.json["physical"] == 0x1234
    assert [step["name"] for step in walk.json["levels"]] == ["PML5", "PML4", "PDPT", "PD"]
