"""The kernel's sources stand in reading order, and no layer includes one below it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.places import KERNEL, ROOT

PROGRAMS = "user/"
"""What runs on the kernel and is no part of it, so it has no place in the reading order."""

QUOTED_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def order_from_makefile() -> list[str]:
    """The sources as the Makefile lists them, relative to kernel/."""
    listed = subprocess.run(
        ["make", "--silent", "sources"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [str(PurePosixPath(name).relative_to("kernel")) for name in listed]


def forbidden_includes(order: list[str], texts: dict[str, str]) -> Iterator[str]:
    """Name every include of a header whose layer (directory) stands below the file's own.

    Within a layer the headers are one contract. main.c, the table of contents, is exempt.
    """
    layers = list(dict.fromkeys(PurePosixPath(name).parts[0] for name in order))

    def place(name: str) -> int:
        layer = PurePosixPath(name).parts[0]
        return layers.index(layer) if layer in layers else len(layers)

    for name, text in texts.items():
        for included in QUOTED_INCLUDE.findall(text):
            if name != "main.c" and place(included) > place(name):
                yield f"{name} includes {included}"


def kernel_texts() -> dict[str, str]:
    return {
        str(path.relative_to(KERNEL)): path.read_text()
        for path in sorted(KERNEL.rglob("*"))
        if path.suffix in (".c", ".h", ".S")
    }


def test_every_source_is_listed_once_and_exists() -> None:
    order = order_from_makefile()
    assert len(order) == len(set(order))
    assert set(order) == {
        name for name in kernel_texts() if not name.endswith(".h") and not name.startswith(PROGRAMS)
    }


def test_includes_name_files_of_the_tree() -> None:
    texts = kernel_texts()
    unknown = [
        f"{name} includes {included}"
        for name, text in texts.items()
        for included in QUOTED_INCLUDE.findall(text)
        if included not in texts
    ]
    assert unknown == []


def test_nothing_includes_what_comes_later() -> None:
    assert list(forbidden_includes(order_from_makefile(), kernel_texts())) == []


@pytest.mark.parametrize(
    ("name", "included", "allowed"),
    [
        ("pmm/pmm.c", "pmm/pmm.h", True),
        ("pmm/pmm.c", "base/types.h", True),
        ("pmm/pmm.h", "paging/paging.h", False),
        ("base/types.h", "pmm/pmm.h", False),
        ("pmm/bits.c", "pmm/pmm.h", True),
        ("main.c", "paging/paging.h", True),
        ("paging/paging.c", "stray/stray.h", False),
    ],
)
def test_the_rule_itself(name: str, included: str, allowed: bool) -> None:
    order = ["base/string.c", "pmm/bits.c", "pmm/pmm.c", "paging/paging.c", "main.c"]
    found = list(forbidden_includes(order, {name: f'#include "{included}"\n'}))
    assert found == ([] if allowed else [f"{name} includes {included}"])
