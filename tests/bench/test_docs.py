"""What the pages in docs/ say is done as they say it: commands, files and what is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels.textbook.kernels import EXAMPLE, copied
from tests.places import ROOT

PAGE = ROOT / "docs" / "allocator-in-ten-minutes.md"
SECONDS = 100.0
ANY = re.escape("...")


def commands(page: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a page, or change of a file, with what it prints."""
    parts = r"^    \$ (.+)\n((?:    (?!\$ ).+\n)*)|^```diff\n([^`]+)```|^(Put `memcpy` back)"
    for match in re.finditer(parts, page, re.MULTILINE):
        command, printed, patch, back = match.groups()
        if patch:
            yield f"patch <<'END'\n{patch}END", ""
        elif back:
            yield "patch -R -p1 <mistake.patch", ""
        else:
            yield command, printed


def shows(printed: str, expected: str) -> bool:
    """Tell whether lines are printed in their order; any number will do, and any text for `...`."""
    lines = [
        re.sub(r"0x[0-9a-f]+|\d+", "[0-9a-fx]+", re.escape(line.strip())).replace(ANY, ".*")
        for line in expected.splitlines()
    ]
    return re.search(r"[\s\S]*?".join(lines), printed) is not None


@pytest.mark.timeout(6 * SECONDS)
def test_from_nothing_to_a_shrunk_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    page = PAGE.read_text()
    folder = copied(tmp_path / "kernel")
    tables = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (folder / "ringbench.toml").write_text("".join(tables))
    [patch] = re.findall(r"```diff\n(.*?)```", page, re.DOTALL)
    (folder / "mistake.patch").write_text(patch)
    done = []
    for command, expected in commands(page):
        if command.startswith("cd "):
            continue
        result = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert shows(result.stdout, expected), f"{command}: {result.stdout}{result.stderr}"
        wrong = " 1 failures" in expected or "broken:" in expected
        assert result.returncode == wrong, f"{command}: {result.stdout}{result.stderr}"
        done.append(command)
    assert len(done) == 10


def test_what_it_says_of_the_configuration_is_in_the_example() -> None:
    example = (EXAMPLE / "ringbench.toml").read_text()
    for table in re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL):
        assert all(line in example.splitlines() for line in table.splitlines())


def test_the_files_that_it_links_to_are_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text())
    assert len(links) > 2
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
