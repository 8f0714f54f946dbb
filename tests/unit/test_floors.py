"""Imports keep to the floors that README's picture of the bench shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.places import ROOT
from tests.unit.floors import (
    SECTION,
    Import,
    Unit,
    floors_of,
    imports,
    units,
    wrong,
)

FLOORS = floors_of((ROOT / "README.md").read_text("utf-8"))

SMALL = floors_of(f"""\
{SECTION}
Words.

    generic         subjects/reference

    cli  plugin     look
    subjects        boots
    check           model
    errors

More words.
""")


def test_the_picture_shows_what_there_is() -> None:
    assert set(FLOORS) == units()


def test_every_import_keeps_to_the_floors() -> None:
    found = list(imports())
    assert len(found) > 500
    reasons = [reason for each in found if (reason := wrong(each, FLOORS))]
    assert not reasons, "\n".join(reasons)


@pytest.mark.parametrize(
    ("file", "name", "is_right"),
    [
        ("cli/run.py", "check.mismatch", True),
        ("cli/run.py", "cli.common", True),
        ("cli/run.py", "plugin", False),
        ("check/mismatch.py", "cli.run", False),
        ("check/mismatch.py", "subjects.load", False),
        ("subjects/__init__.py", "check", True),
        ("subjects/reference/look/heap.py", "cli.common", True),
        ("subjects/reference/look/heap.py", "subjects.reference.model.heap", True),
        ("subjects/reference/model/heap.py", "check.mismatch", True),
        ("subjects/reference/model/heap.py", "subjects.load", False),
        ("subjects/reference/model/heap.py", "subjects.reference.boots", False),
        ("cli/run.py", "subjects.reference.boots", False),
        ("cli/run.py", "subjects.reference.look", False),
        ("cli/run.py", "stray", False),
    ],
)
def test_the_rule_itself(file: str, name: str, is_right: bool) -> None:
    reason = wrong(Import(file, 7, f"ringbench.{name}"), SMALL)
    assert (reason is None) == is_right
    assert reason is None or reason.startswith(f"{file}:7: ")


def test_the_reason_names_both_floors() -> None:
    assert wrong(Import("check/a.py", 7, "ringbench.cli.run"), SMALL) == (
        "check/a.py:7: check (floor 2) imports cli (floor 0)"
    )


def test_every_kind_of_import_is_found(tmp_path: Path) -> None:
    package = tmp_path / "ringbench"
    (package / "check").mkdir(parents=True)
    (package / "check/a.py").write_text(
        "import os, ringbench.cli.run\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from ringbench import plugin\n"
        "def later():\n"
        "    from ringbench.subjects.reference import boots as other\n"
    )
    found = {(each.line, each.imported) for each in imports(package)}
    assert found == {(1, Unit("cli")), (4, Unit("plugin")), (6, Unit("boots", is_reference=True))}
