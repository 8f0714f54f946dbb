"""Whatever a guest's memory holds, looking at it ends, in bounded memory; what is real is all read.

Each guest is looked at in a process of its own, whose memory is measured, not its time; the timeout
is there for what never ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT
from tests.unit.reference.picture.hostile import GUESTS

MOST = 500 << 20
"""Bytes that a whole picture with its checks and tables may take, Python and numpy included."""

SECONDS = 100
QUICK = (
    "overlapping_records",
    "many_roots_over_one_tree",
    "reserved_bits_everywhere",
    "heap_of_16_gib",
    "absurd_bitmaps",
)
"""Those of `make test`: one of each kind."""

GUESTS_BY_LENGTH = [
    *QUICK,
    *(pytest.param(name, marks=pytest.mark.exhaustive) for name in GUESTS if name not in QUICK),
]

SOUND = {"wrong_pages_by_the_million"}
"""Guests that are read whole: their wrongs are other ones."""


def looked_at(name: str, elf: Path) -> dict[str, Any]:
    module = "tests.unit.reference.picture.hostile"
    command = [sys.executable, "-m", module, name, str(elf)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", GUESTS_BY_LENGTH)
def test_looking_at_it_ends(
    guest_elf: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    found = looked_at(name, guest_elf)
    assert found["peak"] < MOST
    assert found["mismatches"] + found["invariants"] > 0
    words = ("budget is used up", "too many records", "too much is mapped", "that of t1")
    noted = any(word in each for each in found["broken"] for word in words)
    assert noted or name in SOUND, found["broken"][:5]
    record_property("summary", f"{found['peak'] >> 20} MiB at most")


def test_what_a_real_kernel_holds_is_all_read(guest_elf: Path) -> None:
    """A million leaves, 5,000 regions, 500 tasks."""
    found = looked_at("large_and_sound", guest_elf)
    assert [each for each in found["broken"] if not each.startswith("heap: it leads to")] == []
    assert found["tasks"] == 501
    assert found["regions"] == 5000 + 4
    assert found["leaves"] > 1 << 20
    assert found["peak"] < MOST
