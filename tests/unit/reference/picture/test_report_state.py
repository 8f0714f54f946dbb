"""What `frames`, `heap` and `spaces` print of the sound guest."""

from __future__ import annotations

import io
import json
from functools import partial
from typing import Any

import pytest
from rich.console import Console, RenderableType

from ringbench.check.mismatch import Mismatch
from ringbench.cli.look import show
from ringbench.subjects.reference.check.invariants import check_invariants
from ringbench.subjects.reference.check.ownership import owners
from ringbench.subjects.reference.observe.picture import Picture
from ringbench.subjects.reference.report.frames import frames_json, frames_table
from ringbench.subjects.reference.report.heap import heap_json, heap_table
from ringbench.subjects.reference.report.spaces import spaces_json, spaces_table

HEAP, WINDOW = 0xFFFFC00000000000, 0xFFFFD00000000000


@pytest.fixture
def picture(guest: Any) -> Picture:
    taken: Picture = guest.picture()
    return taken


def text(table: RenderableType) -> list[list[str]]:
    """The printed cells, line by line."""
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(table)
    return [
        [cell.strip() for cell in line.split("│")] for line in console.export_text().split("\n")
    ]


def test_frames(picture: Picture) -> None:
    claimed = owners(picture)
    data = json.loads(json.dumps(frames_json(picture, claimed)))
    assert (data["managed"], data["free"], data["frame_limit"]) == (511, 448, 1024)
    totals = {(each["owner"], each["of"]): each["frames"] for each in data["totals"]}
    assert totals["page table", "t1"] == 4
    assert totals["lent by the console", ""] == 37
    assert sum(totals.values()) == 1 << 24
    position = 0
    for each in data["ranges"]:
        assert each["start"] == position
        position = each["end"]
        assert each["frames"] == (each["end"] - each["start"]) >> 12
    assert position == 1 << 36
    assert {"start": 576 << 12, "end": 4 << 20, "frames": 448, "owner": "free", "of": ""} in (
        data["ranges"]
    )
    cells = text(frames_table(picture, claimed, ranges=True))
    assert ["511 frames managed, 448 free, 63 used"] in cells
    assert ["", "page table", "kernel", "12", "48 KiB", ""] in cells
    assert ["", "free", "", "448", "1.8 MiB", ""] in cells
    assert ["", "20a000", "215fff", "12", "page table of kernel", ""] in cells


def test_heap(picture: Picture) -> None:
    data = json.loads(json.dumps(heap_json(picture.heap)))
    assert (data["base"], data["end"]) == (HEAP, HEAP + 0x2000)
    assert (data["used"], data["used_bytes"]) == (2, 0xA0)
    assert (data["free"], data["free_bytes"]) == (2, 0x1F60)
    assert data["nodes"][1] == {
        "address": HEAP + 0x60,
        "size": 0x60,
        "used": False,
        "previous": HEAP,
        "header_intact": True,
    }
    assert data["free_lists"] == [
        {"first": 0, "second": 6, "nodes": [HEAP + 0x60]},
    ]
    cells = text(heap_table(picture.heap))
    assert ["", "ffffc00000000060", "96", "free", "0.6", "", ""] in cells
    assert ["", "ffffc000000000c0", "64", "used", "", "", ""] in cells


def test_spaces(picture: Picture) -> None:
    data = json.loads(json.dumps(spaces_json(picture)))
    assert data["current_task"] == 1
    assert [task["id"] for task in data["tasks"]] == [0, 1]
    assert data["bare_roots"] == {"r0": 538 << 12}
    kernel, _, _, task = data["spaces"]
    assert [each["name"] for each in data["spaces"]] == ["kernel", "heap", "buddy", "t1"]
    assert kernel["regions"][2] == {
        "base": WINDOW + 0x4000,
        "length": 0x2000,
        "kind": "physical",
        "physical": 0xFEE00000,
        "object": None,
        "offset": 0,
        "write": True,
        "user": False,
        "execute": False,
        "cache": "WC",
        "pages": 2,
    }
    assert [region["pages"] for region in task["regions"]] == [1, 1]
    cells = text(spaces_table(picture))
    end = "0000000000013fff"
    assert ["", "0000000000012000", end, "8K", "demand", "urw-", "WB", "1/2", ""] in cells
    guard = [
        "",
        f"{WINDOW + 0x1000:x}",
        f"{WINDOW + 0x1FFF:x}",
        "4K",
        "guard",
        "----",
        "",
        "0/1",
        "",
    ]
    assert guard in cells
    assert ["tasks: t0, t1 (current)"] in cells
    assert ["bare roots of the console: r0 0x21a000"] in cells


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_broken_is_printed_and_sets_the_status(
    guest: Any, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(picture: Picture, problems: list[Mismatch]) -> int:
        heap = picture.heap
        return show(partial(heap_table, heap), partial(heap_json, heap), problems, as_json)

    assert shown(guest.picture(), []) == 0
    capsys.readouterr()
    guest.poke(HEAP + 0x6C, 1, 4)
    picture = guest.picture()
    assert shown(picture, check_invariants(picture)) == 1
    out = capsys.readouterr().out
    if as_json:
        (problem,) = json.loads(out)["problems"]
        assert (problem["layer"], problem["where"]) == ("heap", "node 0xffffc00000000060")
    else:
        assert "smashed" in out
        assert "heap: guard of the header at node 0xffffc00000000060" in out
