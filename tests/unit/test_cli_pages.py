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
    assert data["root"] == "0x1000"
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
        (["pages", "--dump", "{folder}", "--root", "0x1000"], "not a regular file"),
        (["pages", "--dump", "{pipe}", "--root", "0x1000"], "not a regular file"),
        (["pages", "--dump", "{empty}", "--root", "0"], "the file is empty"),
        (["pages", "--dump", "{dump}"], "--dump needs --root"),
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
    places = {name: tmp_path / name for name in ("none", "empty", "pipe")}
    filled = [each.format(dump=dump, folder=tmp_path, **places) for each in arguments]
    outcome = ringbench(*filled)
    assert (outcome.status, outcome.out) == (2, "")
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_a_space_that_never_ends_is_cut_and_says_so(ringbench: Any, dump: Path) -> None:
    with dump.open("r+b") as file:
        file.seek(0x8000)
        file.write(struct.pack("<512Q", *[0x8007] * 512))
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
