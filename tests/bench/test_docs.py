"""What the pages in docs/ say is done as they say it: commands, files and what is printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ringbench.cli.commands import COMMANDS
from tests.kernels.textbook.kernels import EXAMPLE, copied
from tests.places import ROOT

PAGE = ROOT / "docs" / "allocator-in-ten-minutes.md"
CI_PAGE = ROOT / "docs" / "continuous-integration.md"
PAGES = "--self-contained-html"  # of pytest-html, as --html is
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


def recipes() -> list[Any]:
    """The files for CI that the page has, read as what they are."""
    texts = re.findall(r"```yaml\n(.*?)```", CI_PAGE.read_text(), re.DOTALL)
    return [yaml.safe_load(text) for text in texts]


def test_the_recipes_for_ci_are_what_the_services_read() -> None:
    github, gitlab = recipes()
    # YAML 1.1, which the services do not hold, takes the key "on" for a truth.
    assert github[True] == ["push", "pull_request"]
    job = github["jobs"]["test"]
    assert job["runs-on"].startswith("ubuntu-")
    assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    assert {"image", "before_script", "script", "artifacts"} <= gitlab["test"].keys()
    assert gitlab["test"]["artifacts"]["reports"]["junit"] == "result.xml"
    for each in (job["steps"][-1]["with"]["path"].split(), gitlab["test"]["artifacts"]["paths"]):
        assert "logs" in each


def test_what_the_recipes_for_ci_run_is_there() -> None:
    github, gitlab = recipes()
    lines = [step["run"] for step in github["jobs"]["test"]["steps"] if "run" in step]
    lines += [*gitlab["test"]["before_script"], *gitlab["test"]["script"]]
    lines += re.findall(r"`((?:pytest|ringbench) [^`]+)`", CI_PAGE.read_text())
    called = [shlex.split(line) for line in lines]
    options = subprocess.run(
        [sys.executable, "-m", "pytest", "--help", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    ).stdout
    assert {"ringbench boot", "pytest --ringbench-selftests"} <= {
        " ".join(each[:2]) for each in called
    }
    for program, *arguments in called:
        if program == "ringbench":
            assert arguments[0] in COMMANDS
        elif program == "pytest":
            given = [each.split("=")[0] for each in arguments if each.startswith("-")]
            assert [each for each in given if each not in options] in ([], ["--html", PAGES])
        else:
            assert program in ("sudo", "apt-get", "pip", "make")
