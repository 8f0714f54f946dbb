"""The README's example tests work as they stand there."""

from __future__ import annotations

import re

import pytest

from ringbench.config import load as load_configuration
from ringbench.subjects import load
from tests.places import ROOT

pytest_plugins = ["pytester"]


def test_the_example_tests_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    pytester.makepyfile(example)
    done = pytester.runpytest_subprocess(f"--ringbench-config={ROOT / 'ringbench.toml'}")
    done.assert_outcomes(passed=example.count("def test_"))


def test_the_run_that_it_shows_has_every_layer() -> None:
    rows = re.findall(r"^    │ (\w+) +│", (ROOT / "README.md").read_text(), re.MULTILINE)
    layers = load(load_configuration(ROOT / "ringbench.toml")).layers
    assert rows == [*layers, "machine", "all"]


def test_the_files_that_it_links_to_are_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []
